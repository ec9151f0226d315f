"""One half of the demo clip, or those who label it, each on whatever host it is started on.

``python -m tests.half_media camera|microphone ADDRESS START_NS``: its pictures or its sound, as if
file time 0 had been seen and heard at START_NS of this host's clock.
``python -m tests.half_media listener ADDRESS``: prints the labels, a line of JSON each, until
fusion has done.
"""

import json
import sys
import time
from dataclasses import asdict

from capture.demo import CLIP
from capture.media import Source, picture_messages, sound_messages
from capture.media_file import open_media
from capture.pictures import Publisher
from capture.voice_activity import VoiceActivity
from config.settings import BusSettings, VoiceActivitySettings
from messaging.node import Node
from messaging.topics import SPEECH, UTTERANCES

PATIENCE_S = 60
AHEAD = 8


def source(node: Node, start_ns: int) -> Source:
    start = node.stamp(start_ns)
    return Source(node.name, start.pipeline_ns, start.bound_ns, lossless=True, real_time=False)


def camera(node: Node, start_ns: int) -> None:
    node.wait_for(["listener", "inference", "fusion"])
    file, publisher = open_media(CLIP), Publisher(node, BusSettings())
    for seen in picture_messages(file.pictures(), file.interval_ns, source(node, start_ns)):
        publisher.publish(seen.message, seen.pixels, AHEAD)
    publisher.finish()


def microphone(node: Node, start_ns: int) -> None:
    node.wait_for(["listener", "fusion"])
    file, activity = open_media(CLIP), VoiceActivity(VoiceActivitySettings())
    playing = source(node, start_ns)
    for heard in sound_messages(file.sound(), activity, playing, ("camera",), file.damage):
        if heard.topic is SPEECH:
            while not node.is_awaited(SPEECH):
                node.receive(0.01)
            node.wait_for_credit(SPEECH, AHEAD)
            node.publish(heard.topic, heard.message)


def listen(node: Node) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and node.alive():
        for received in node.receive(0.1):
            if received.message.final:
                print(json.dumps(asdict(received.message)))
        fusion = node.peers().get("fusion")
        if fusion is not None and fusion.state == "closing":
            return
    sys.exit("fusion never ended")


def main() -> None:
    part, address, *start = sys.argv[1:]
    topics = (UTTERANCES,) if part == "listener" else ()
    with Node(part, address, topics, connect_timeout_s=PATIENCE_S, keeps_all=True) as node:
        if part == "listener":
            listen(node)
        else:
            {"camera": camera, "microphone": microphone}[part](node, int(start[0]))


if __name__ == "__main__":
    main()
