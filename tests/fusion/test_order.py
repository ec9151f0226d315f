"""Every order of arrival gives the results that the oracle, which sees all at once, knows."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import FusionSettings
from fusion.align import Aligner
from messaging.schema import FaceEmotions, UtteranceEmotion
from messaging.topics import UTTERANCES
from messaging.wire import encode
from tests.fusion.messages import MS, ended, face, picture, started
from tests.fusion.oracle import Spoken, Truth, contradiction, spoken, truth
from tests.fusion.scenes import Message, Scene, arrivals, scenes

Reference = Literal["offset", "middle", "onset"]
Method = Literal["nearest", "mean", "max", "vote"]

MAX_GAP_MS = 50
references = st.sampled_from(("offset", "middle", "onset"))
methods = st.sampled_from(("nearest", "mean", "max", "vote"))


def feed(aligner: Aligner, message: Message) -> list[UtteranceEmotion]:
    """The final results that a message brings."""
    if isinstance(message, FaceEmotions):
        results = aligner.faces(message)
    else:
        results = aligner.speech(message, 0)
    return [result for result in results if result.final]


def join(messages: Iterable[Message], rule: FusionSettings) -> list[UtteranceEmotion]:
    aligner = Aligner(rule)
    results = [result for message in messages for result in feed(aligner, message)]
    assert aligner.done
    assert aligner.ignored == 0
    return results


def as_bytes(results: Iterable[UtteranceEmotion]) -> list[bytes]:
    return sorted(encode(UTTERANCES, result, "fusion", 0, 0)[1] for result in results)


def utterances(scene: Scene) -> dict[str, Spoken]:
    return {u.id: u for stream in scene.microphones.values() for u in spoken(stream)}


@given(st.data(), scenes(), references, methods)
@settings(deadline=None, max_examples=300)
def test_any_order_of_arrival_gives_the_oracles_results_byte_for_byte(
    data: st.DataObject, scene: Scene, reference: Reference, method: Method
):
    rule = FusionSettings(reference=reference, method=method, max_gap_s=MAX_GAP_MS / 1000)
    results = join(data.draw(arrivals(scene)), rule)
    expected = utterances(scene)
    assert sorted(result.id for result in results) == sorted(expected)
    for result in results:
        told = truth(
            expected[result.id],
            scene.faces,
            reference=reference,
            method=method,
            max_gap_ns=MAX_GAP_MS * MS,
        )
        assert contradiction(result, told) == ""
    again = join(data.draw(arrivals(scene)), rule)
    assert as_bytes(again) == as_bytes(results)


@given(
    st.data(),
    scenes(),
    references,
    methods,
    st.sampled_from((1, 50)),
    st.sampled_from((1, 100)),
)
@settings(deadline=None, max_examples=400)
def test_whatever_was_forgotten_a_settled_result_is_the_oracles(
    data: st.DataObject,
    scene: Scene,
    reference: Reference,
    method: Method,
    history_ms: int,
    longest_ms: int,
):
    """Of the others the label is right by what had come, or there is none. Whoever came within the
    limits is settled, as when all is kept.
    """
    gap_ms = 10  # a larger one keeps what the utterance needs
    rule = FusionSettings(
        reference=reference,
        method=method,
        max_gap_s=gap_ms / 1000,
        history_s=history_ms / 1000,
        patience_s=0.001,
    )
    aligner = Aligner(rule, longest_ms / 1000)
    limit_ns = (history_ms + longest_ms + gap_ms + 1) * MS
    expected = utterances(scene)
    shown_ns = -(10**18)
    come: list[FaceEmotions] = []
    for message in data.draw(arrivals(scene)):
        shown_by_now_ns = shown_ns
        if isinstance(message, FaceEmotions):
            shown_by_now_ns = max(shown_ns, message.stamp.pipeline_ns)
            come.append(message)
        for result in feed(aligner, message):
            utterance = expected.pop(result.id)
            told = truth(
                utterance,
                scene.faces if result.settled else come,
                reference=reference,
                method=method,
                max_gap_ns=gap_ms * MS,
            )
            if result.settled:
                assert contradiction(result, told) == ""
            elif result.status == "late":
                assert (result.label, result.picture) == (None, None)
            else:
                known = "picture", "track", "dt_ns", "alignment_bound_ns"
                assert {n: getattr(result, n) for n in known} == {n: told.exact[n] for n in known}
            # What this very message brings to the limit may be given out before it is forgotten.
            reached_ns = shown_ns if result.settled else shown_by_now_ns
            if reached_ns <= utterance.onset.pipeline_ns - gap_ms * MS + limit_ns:
                assert result.settled == utterance.whole
        shown_ns = shown_by_now_ns
    assert not expected


@given(st.data(), scenes(), references)
@settings(deadline=None, max_examples=150)
def test_no_picture_to_come_changes_what_was_given_out(
    data: st.DataObject, scene: Scene, reference: Reference
):
    """After every result, one more picture is thought of at the worst instants of every camera, and
    up to three before it that are missing.
    """
    rule = FusionSettings(reference=reference, max_gap_s=MAX_GAP_MS / 1000)
    aligner = Aligner(rule)
    known = utterances(scene)
    arrived: list[Message] = []
    for message in data.draw(arrivals(scene)):
        arrived.append(message)
        for result in feed(aligner, message):
            for future in futures(known[result.id], arrived, reference, missing=3):
                assert contradiction(result, nearest(known[result.id], future, reference)) == ""


@given(st.data(), scenes(exact=True), references)
@settings(deadline=None, max_examples=100)
def test_what_was_not_given_out_could_still_change(
    data: st.DataObject, scene: Scene, reference: Reference
):
    """The same, after every message, for what waits: at least one picture makes a difference."""
    rule = FusionSettings(reference=reference, max_gap_s=MAX_GAP_MS / 1000)
    aligner = Aligner(rule)
    waiting = utterances(scene)
    arrived: list[Message] = []
    for message in data.draw(arrivals(scene)):
        arrived.append(message)
        for result in feed(aligner, message):
            del waiting[result.id]
        for utterance in waiting.values():
            if has_ended(utterance, arrived):
                now, *later = (
                    nearest(utterance, future, reference)
                    for future in futures(utterance, arrived, reference)
                )
                assert any(then != now for then in later)
    assert not waiting


def nearest(utterance: Spoken, faces: Sequence[FaceEmotions], reference: Reference) -> Truth:
    return truth(
        utterance, faces, reference=reference, method="nearest", max_gap_ns=MAX_GAP_MS * MS
    )


def has_ended(utterance: Spoken, arrived: Sequence[Message]) -> bool:
    return any(
        not isinstance(message, FaceEmotions)
        and message.event == "ended"
        and message.utterance == utterance.id
        for message in arrived
    )


def futures(
    utterance: Spoken, arrived: Sequence[Message], reference: Reference, missing: int = 0
) -> list[list[FaceEmotions]]:
    """All face results that have arrived, as they are and with one more that may still come, after
    as many missing ones as there is time for.
    """
    known = [message for message in arrived if isinstance(message, FaceEmotions)]
    onset, offset = utterance.onset.pipeline_ns, utterance.offset.pipeline_ns
    instant = {"onset": onset, "middle": (onset + offset) // 2, "offset": offset}[reference]
    worst = {onset, offset, instant}
    worst |= {instant + sign * MAX_GAP_MS * MS for sign in (-1, 1)}
    for message in known:
        distance = message.stamp.pipeline_ns - instant
        worst |= {instant + distance, instant - distance}
    possible = [known]
    for name in {message.source for message in known}:
        stream = [message for message in known if message.source == name]
        if stream[-1].event == "closed":
            continue
        last = stream[-1]
        shown = last.stamp.pipeline_ns - (last.event in ("opened", "gap"))
        next_index = last.index + (last.event == "analysed")
        unread = {0, int(last.event == "gap")}  # a picture that a gap stands for has its own number
        for at_ns, without in product(worst | {shown + 1}, unread):
            if at_ns > shown:
                index = next_index + min(at_ns - shown - 1, missing + without)
                more = picture(at_ns / MS, face("fear", size=1000), camera=name, index=index)
                assert more.stamp.pipeline_ns == at_ns
                possible.append([*known, more])
    return possible


def test_all_35_orders_of_three_utterances_and_four_face_results_give_one_result():
    pictures = [
        picture(8, face("sad"), index=2),
        picture(11, index=3),
        picture(12, face(), index=7),
        picture(700, index=9),
    ]
    spoken_at = [10, 20, 100]
    outcomes: set[tuple[bytes, ...]] = set()
    for places in combinations(range(7), 3):
        aligner, results = Aligner(FusionSettings()), list[UtteranceEmotion]()
        faces, offsets = iter(pictures), iter(spoken_at)
        for place in range(7):
            if place in places:
                offset = next(offsets)
                results += feed(aligner, started(offset - 4))
                results += feed(aligner, ended(offset - 4, offset))
            else:
                results += feed(aligner, next(faces))
        assert len(results) == 3
        outcomes.add(tuple(as_bytes(results)))
    assert len(outcomes) == 1


@pytest.mark.parametrize("method", ["nearest", "mean"])
def test_all_orders_of_two_cameras_and_two_utterances_give_one_result(method: Method):
    rule = FusionSettings(method=method, max_gap_s=MAX_GAP_MS / 1000)
    streams: list[list[Message]] = [
        [picture(0, camera="a"), picture(12, face("sad"), camera="a"), picture(80, camera="a")],
        [picture(0, camera="b"), picture(8, face(), camera="b"), picture(90, face(), camera="b")],
        [started(4), ended(4, 10), started(30), ended(30, 32)],
    ]
    outcomes: set[tuple[bytes, ...]] = set()
    opened: list[Message] = [streams[0].pop(0), streams[1].pop(0)]
    for order in orders([len(stream) for stream in streams]):
        left = [iter(stream) for stream in streams]
        aligner = Aligner(rule)
        messages = opened + [next(left[turn]) for turn in order]
        results = [result for message in messages for result in feed(aligner, message)]
        assert len(results) == 2
        outcomes.add(tuple(as_bytes(results)))
    assert len(outcomes) == 1


def orders(lengths: Sequence[int]) -> list[list[int]]:
    """Every interleaving of streams of these lengths, as the stream whose turn it is."""
    if not any(lengths):
        return [[]]
    return [
        [turn, *rest]
        for turn, length in enumerate(lengths)
        if length
        for rest in orders([n - (at == turn) for at, n in enumerate(lengths)])
    ]
