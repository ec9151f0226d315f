"""The fusion node: faces and speech in, what each utterance carries out."""

from collections.abc import Iterable
from typing import Any

from config.settings import Settings
from fusion.align import Aligner
from messaging.clock import monotonic_ns
from messaging.joining import node_of
from messaging.node import Node
from messaging.schema import FaceEmotions, UtteranceEmotion
from messaging.topics import FACES, SPEECH, UTTERANCES
from messaging.wire import Received

LOOK_AROUND_S = 0.05
"""How often patience is checked while nothing arrives."""


def run(settings: Settings) -> None:
    """Label utterances until asked to stop, or until every source has closed where that is set."""
    aligner = Aligner(settings.fusion, settings.voice_activity.max_utterance_s)
    awaited = frozenset(settings.fusion.sources)
    with node_of(settings, "fusion", (FACES, SPEECH), credits_of=(SPEECH, FACES)) as node:
        while node.alive() and not (
            settings.fusion.exit_when_closed and aligner.done and awaited <= aligner.sources
        ):
            for received in node.receive(LOOK_AROUND_S):
                publish(node, take(aligner, received))
                if received.message.lossless:
                    node.give_credit(received)
            publish(node, aligner.expire(monotonic_ns()))
        publish(node, aligner.finish())
        if aligner.repeated:
            node.log.warning(
                "%d pictures were answered twice, by a worker that was taken for dead and by "
                "another one; the second answers were dropped",
                aligner.repeated,
            )
        if untrue := aligner.ignored - aligner.repeated:
            node.log.warning(
                "%d messages of cameras and microphones came too late or could not be true, and "
                "were ignored",
                untrue,
            )


def take(aligner: Aligner, received: Received[Any]) -> list[UtteranceEmotion]:
    message = received.message
    if isinstance(message, FaceEmotions):
        return aligner.faces(message)
    return aligner.speech(message, received.received_ns)


def publish(node: Node, results: Iterable[UtteranceEmotion]) -> None:
    for result in results:
        node.publish(UTTERANCES, result)
