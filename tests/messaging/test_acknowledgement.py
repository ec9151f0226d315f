"""What a reader tells a lossless sender of what it has done with, and of what it never will."""

import pytest

from messaging.acknowledgement import SAID_AGAIN_NS, Acknowledgement, Done
from messaging.ledger import STILL_NS, Ledger
from messaging.schema import Heartbeat, Stamp, TopicCounts, VideoFrame
from messaging.topics import HEARTBEAT, VIDEO, VIDEO_JPEG, Topic
from messaging.wire import Received

STAMP = Stamp(0, "clock")
EMPTY = memoryview(b"")
LIFE = 7
"""The sender's incarnation."""


class Reader:
    def __init__(self) -> None:
        self.ledger = Ledger()
        self.healing = False
        self.acknowledgement = Acknowledgement(
            ["video", "video_jpeg"], self.ledger, lambda _topic, _sender: self.healing
        )

    def take(self, seq: int, topic: Topic[VideoFrame] = VIDEO) -> Received[VideoFrame]:
        self.ledger.arrived(topic.name, "media", LIFE, seq)
        frame = VideoFrame(STAMP, "clip", seq, width=0, height=0, lossless=True)
        return Received(topic, frame, EMPTY, "media", LIFE, seq)

    def hear(self, last_seq: int, at_ns: int) -> None:
        counts = (TopicCounts("video", "", last_seq),)
        beat = Heartbeat(STAMP, "media", "running", 1, counts=counts)
        self.ledger.hear(Received(HEARTBEAT, beat, EMPTY, "media", LIFE, 0, received_ns=at_ns))

    def left(self, now_ns: int = 0) -> list[int]:
        return [done.seq for done in self.acknowledgement.left(now_ns)]


def test_what_is_due_is_said_at_once_and_the_rest_with_the_next_heartbeat() -> None:
    reader = Reader()
    note = reader.acknowledgement.note
    assert note(reader.take(0)) == Done("video", "media", LIFE, 0)
    assert note(reader.take(4, VIDEO_JPEG)) == Done("video_jpeg", "media", LIFE, 4)
    assert note(reader.take(5, VIDEO_JPEG)) is None
    assert reader.left() == [0, 5]


def test_the_last_one_is_said_again_for_a_while() -> None:
    reader = Reader()
    reader.acknowledgement.note(reader.take(0))
    assert reader.left(SAID_AGAIN_NS - 1) == [0]
    assert reader.left(SAID_AGAIN_NS) == []


def test_what_was_lost_at_the_end_is_never_done_with_and_not_waited_for() -> None:
    reader = Reader()
    reader.acknowledgement.note(reader.take(0))
    reader.take(1)
    reader.hear(3, 0)
    reader.hear(3, STILL_NS)
    assert reader.left(SAID_AGAIN_NS) == [], "1 is still in hand"
    reader.acknowledgement.note(reader.take(1))
    reader.healing = True
    assert reader.left(SAID_AGAIN_NS) == []
    reader.healing = False
    assert reader.left(SAID_AGAIN_NS) == [3]


@pytest.mark.parametrize("last_seq", [-1, 4])
def test_nor_is_what_was_lost_before_anything_came(last_seq: int) -> None:
    reader = Reader()
    reader.hear(-1, 0)
    reader.hear(last_seq, STILL_NS)
    assert reader.left() == [], "it may still be on its way"
    reader.hear(last_seq, 2 * STILL_NS)
    assert reader.left() == ([4] if last_seq == 4 else [])
