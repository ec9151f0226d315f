"""Which pictures a worker answers, when all workers get all of them."""

from dataclasses import replace
from typing import Literal

import pytest

from inference.share import Share
from messaging.schema import Control, Stamp, VideoFrame
from messaging.topics import VIDEO
from messaging.wire import Received

STAMP = Stamp(0, "clock")


def message(
    index: int,
    worker: str,
    source: str = "left",
    event: Literal["opened", "picture", "closed"] = "picture",
    *,
    seq: int | None = None,
    lossless: bool = True,
) -> Received[VideoFrame]:
    frame = VideoFrame(
        Stamp(index, "clock"), source, index, event, lossless=lossless, worker=worker
    )
    number = index if seq is None else seq
    return Received(VIDEO, frame, memoryview(b""), source, 1, number)


def credit(reader: str, seq: int, sender: str = "left") -> Control:
    return Control(STAMP, "credit", reader, "video", sender, 1, seq)


def due(share: Share, *messages: Received[VideoFrame]) -> list[int]:
    return [r.message.index for m in messages for r in share.take(m)[0]]


def test_a_picture_is_answered_by_the_worker_that_it_names() -> None:
    pictures = [message(index, "ab"[index % 2]) for index in range(6)]
    assert due(Share("a"), *(p for p in pictures if p.message.worker == "a")) == [0, 2, 4]
    assert due(Share("c"), *pictures) == []


def test_a_picture_that_names_nobody_is_answered_by_one_of_those_who_live() -> None:
    pictures = [message(0, "", source=f"camera-{number}") for number in range(20)]
    answered = [
        [p.message.source for p in pictures if Share(worker).take(p, {"a", "b"} - {worker})[0]]
        for worker in ("a", "b")
    ]
    assert sorted(answered[0] + answered[1]) == sorted(p.message.source for p in pictures)
    assert all(answered)


def test_what_the_dead_one_left_is_answered_first_and_in_order() -> None:
    share = Share("b")
    assert due(share, *(message(index, "a") for index in range(5))) == []
    share.hear(credit("a", 2))
    left, has_moved = share.take(message(5, "b"))
    assert [r.message.index for r in left] == [3, 4, 5]
    assert has_moved
    assert share.take(message(6, "b")) == ([message(6, "b")], False)


def test_credit_of_others_means_nothing() -> None:
    share = Share("b")
    assert due(share, message(0, "a"), message(1, "a")) == []
    share.hear(credit("recorder", 1))
    share.hear(credit("a", 1, sender="right"))
    assert due(share, message(2, "b")) == [0, 1, 2]


def test_live_pictures_are_not_kept() -> None:
    share = Share("b")
    assert due(share, message(0, "a", lossless=False), message(1, "b", lossless=False)) == [1]


def test_a_last_word_that_comes_again_for_another_worker_is_answered_once() -> None:
    share = Share("b")
    assert due(share, message(0, "a"), message(1, "a", event="closed")) == []
    assert due(share, message(1, "b", event="closed", seq=2)) == [0, 1]


def test_a_third_worker_forgets_what_the_second_has_done_for_the_first() -> None:
    share = Share("c")
    assert due(share, message(0, "a"), message(1, "a"), message(2, "b")) == []
    share.hear(credit("b", 2))
    assert due(share, message(3, "c")) == [3]


@pytest.mark.parametrize("action", ["stop", "record"])
def test_other_words_are_no_credit(action: Literal["stop", "record"]) -> None:
    share = Share("b")
    assert due(share, message(0, "a")) == []
    share.hear(Control(STAMP, action, "a"))
    assert due(share, message(1, "b")) == [0, 1]


def test_a_third_worker_keeps_what_the_second_only_passed_over() -> None:
    """It gave credit for what was the first one's, and died before it did the work itself."""
    share = Share("c")
    assert due(share, message(0, "a"), message(1, "a"), message(2, "b")) == []
    share.hear(credit("b", 1))
    assert due(share, message(3, "c")) == [0, 1, 2, 3]


def test_of_a_sender_that_starts_anew_the_first_number_counts_anew() -> None:
    share = Share("b")
    assert due(share, message(100, "a")) == []
    share.hear(credit("a", 100))
    anew = [replace(message(index, "a"), incarnation=2) for index in (0, 1)]
    assert due(share, *anew) == []
    share.hear(replace(credit("a", 0), incarnation=2))
    assert due(share, replace(message(2, "b"), incarnation=2)) == [1, 2]
