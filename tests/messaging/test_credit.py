"""Who a lossless sender waits for, and until when."""

import logging
from dataclasses import replace
from typing import Literal

import pytest

from messaging.credit import FORGOTTEN_NS, GONE_NS, MOST_READERS, Readers
from messaging.schema import Control, Heartbeat, Stamp, TopicCounts
from messaging.topics import CREDIT, HEARTBEAT
from messaging.wire import Received

STAMP = Stamp(0, "clock")
EMPTY = memoryview(b"")
OURS = 7
"""The sender's incarnation."""
GIVEN = Control(STAMP, "credit", "inference", "video", "media", OURS, 9)


class Sender:
    """``media``, which has sent so many messages on ``video``."""

    def __init__(self, sent: int) -> None:
        self.sent = sent
        self.readers = Readers("media", OURS, self.count, logging.getLogger("emofuse.test"))

    def count(self, topic: str) -> int:
        return self.sent if topic == "video" else 0

    @property
    def behind(self) -> int:
        return self.readers.behind("video")

    def beat(
        self,
        reader: str = "inference",
        *,
        incarnation: int = 1,
        state: Literal["running", "closing"] = "running",
        has_read: int | None = None,
        at_ns: int = 0,
    ) -> None:
        counts = [TopicCounts("video", "player", self.sent - 1)]
        if has_read is not None:
            counts.append(TopicCounts("video", "media", has_read))
        beat = Heartbeat(STAMP, reader, state, 1, counts=tuple(counts), awaited=("video",))
        received = Received(HEARTBEAT, beat, EMPTY, reader, incarnation, 0, received_ns=at_ns)
        self.readers.hear_heartbeat(received)

    def credit(
        self, seq: int, reader: str = "inference", at_ns: int = 0, *, incarnation: int = 1
    ) -> None:
        self.hear(replace(GIVEN, reader=reader, seq=seq), reader, at_ns, incarnation=incarnation)

    def hear(
        self, control: Control, reader: str = "inference", at_ns: int = 0, *, incarnation: int = 1
    ) -> None:
        received = Received(CREDIT, control, EMPTY, reader, incarnation, 0, received_ns=at_ns)
        self.readers.hear_credit(received)


def test_who_is_heard_of_is_waited_for_from_there_on() -> None:
    sender = Sender(10)
    assert not sender.readers.are_there("video")
    assert sender.behind == 0
    sender.beat()
    assert sender.readers.are_there("video")
    assert not sender.readers.are_there("audio")
    assert sender.behind == 0
    sender.sent = 13
    assert sender.behind == 3
    sender.credit(11)
    assert sender.behind == 1


def test_the_slowest_counts_and_credit_never_goes_back() -> None:
    sender = Sender(10)
    sender.credit(9, "fast")
    sender.credit(4, "slow")
    sender.credit(2, "slow")
    assert sender.behind == 5


def test_what_a_reader_has_in_hand_is_not_done_with() -> None:
    sender = Sender(0)
    sender.beat()
    sender.sent = 5
    sender.beat(has_read=3)
    assert sender.behind == 5


@pytest.mark.parametrize(
    "other",
    [
        replace(GIVEN, seq=10),
        replace(GIVEN, sender="player"),
        replace(GIVEN, incarnation=OURS - 1),
        replace(GIVEN, reader="somebody"),
        replace(GIVEN, topic="audio"),
    ],
    ids=["not sent yet", "of another", "of a former one", "for another", "never sent"],
)
def test_credit_that_cannot_be_meant_changes_nothing(other: Control) -> None:
    sender = Sender(0)
    sender.beat()
    sender.sent = 10
    sender.hear(other)
    assert sender.behind == 10
    assert not sender.readers.are_there("audio")
    sender.hear(GIVEN)
    assert sender.behind == 0


def test_who_closes_is_not_waited_for() -> None:
    sender = Sender(0)
    sender.beat()
    sender.sent = 5
    sender.beat(state="closing")
    assert not sender.readers.are_there("video")
    assert sender.behind == 0


def test_who_falls_silent_is_forgotten_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    sender = Sender(0)
    sender.beat("silent", at_ns=0)
    sender.beat("present", at_ns=1)
    sender.sent = 3
    sender.readers.forget_silent(FORGOTTEN_NS)
    assert not caplog.records
    sender.credit(1, "present", at_ns=2)
    sender.readers.forget_silent(FORGOTTEN_NS + 1)
    assert [r.message for r in caplog.records] == ["silent fell silent: video does not wait for it"]
    assert sender.behind == 1


def test_who_could_not_be_heard_is_waited_for_as_long_as_ever() -> None:
    sender = Sender(0)
    sender.beat(at_ns=0)
    sender.sent = 3
    sender.readers.excuse(5 * FORGOTTEN_NS)
    sender.readers.forget_silent(6 * FORGOTTEN_NS)
    assert sender.behind == 3
    sender.readers.forget_silent(6 * FORGOTTEN_NS + 1)
    assert sender.behind == 0


def test_one_that_was_restarted_need_not_have_done_what_the_former_had_in_hand(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender = Sender(0)
    sender.beat(at_ns=0)
    sender.sent = 6
    sender.credit(1, at_ns=0)
    sender.beat(incarnation=2, at_ns=GONE_NS)
    assert sender.behind == 4, "the former one may still be there"
    sender.beat(incarnation=2, at_ns=GONE_NS + 1)
    assert sender.behind == 0
    assert [r.message for r in caplog.records] == [
        "inference was restarted; up to 4 messages of video were lost with it"
    ]
    sender.sent = 8
    sender.beat(incarnation=1, at_ns=3 * GONE_NS)
    assert sender.behind == 2, "a word of the former one that comes late"


def test_of_a_live_stream_a_restarted_reader_says_itself_what_it_missed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender = Sender(0)
    sender.beat(at_ns=0)
    sender.sent = 6
    sender.beat(incarnation=2, at_ns=GONE_NS + 1)
    assert not caplog.records


def test_a_crowd_of_readers_is_not_let_in() -> None:
    sender = Sender(1)
    for number in range(MOST_READERS):
        sender.beat(f"reader-{number}")
    sender.beat("one-more")
    sender.credit(-1, "yet-another")
    sender.sent = 3
    assert sender.behind == 2
    for number in range(MOST_READERS):
        sender.credit(2, f"reader-{number}")
    assert sender.behind == 0


def test_a_namesake_that_had_to_leave_takes_nobody_with_it() -> None:
    sender = Sender(0)
    sender.beat(incarnation=1)
    sender.sent = 5
    sender.beat(incarnation=2, state="closing")
    assert sender.behind == 5


def test_credit_of_one_that_was_restarted_tells_of_what_the_former_had_in_hand(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sender = Sender(0)
    sender.beat()
    sender.sent = 5
    sender.credit(1)
    assert sender.behind == 3
    sender.credit(4, incarnation=2)
    assert sender.behind == 0
    (record,) = caplog.records
    assert record.message == (
        "inference was restarted; up to 3 messages of video were lost with it"
    )
    sender.credit(4, incarnation=2)
    assert len(caplog.records) == 1
