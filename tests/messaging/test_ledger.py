"""What is counted: sent, received, overtaken, lost, and nothing as a residual."""

from collections.abc import Iterable
from typing import Literal

import pytest

from messaging.ledger import MOST_STREAMS, STILL_NS, Ledger, Tail
from messaging.schema import Heartbeat, Stamp, TopicCounts
from messaging.topics import HEARTBEAT
from messaging.wire import Received

STAMP = Stamp(0, "clock")
SECOND = 1_000_000_000


def reader(seqs: Iterable[int], incarnation: int = 1, ledger: Ledger | None = None) -> Ledger:
    ledger = ledger or Ledger()
    for seq in seqs:
        ledger.arrived("faces", "inference", incarnation, seq)
    return ledger


def counts(ledger: Ledger, topic: str = "faces") -> TopicCounts:
    return next(count for count in ledger.counts() if count.topic == topic and count.sender)


def beat(
    topic: str,
    last_seq: int,
    incarnation: int = 1,
    state: Literal["running", "closing"] = "running",
    received_ns: int = 0,
) -> Received[Heartbeat]:
    pulse = Heartbeat(STAMP, "inference", state, 1, counts=(TopicCounts(topic, "", last_seq),))
    return Received(
        HEARTBEAT, pulse, memoryview(b""), "inference", incarnation, 0, received_ns=received_ns
    )


def test_numbers_that_are_skipped_are_lost() -> None:
    seen = counts(reader([0, 1, 4, 5, 9]))
    assert (seen.messages, seen.lost, seen.last_seq) == (5, 5, 9)


def test_a_reader_that_joins_late_has_lost_nothing() -> None:
    assert counts(reader([700, 701])).lost == 0


def test_a_restarted_sender_counts_from_0_again() -> None:
    ledger = reader([0, 1, 2])
    reader([2, 3], incarnation=2, ledger=ledger)
    assert counts(ledger).lost == 2


def test_repeated_messages_do_not_count() -> None:
    ledger = reader([0, 1, 2])
    assert not ledger.arrived("faces", "inference", 1, 2)
    assert counts(ledger).messages == 3


def test_a_sender_that_breaks_off_leaves_an_unknown_tail() -> None:
    ledger = reader([0, 1, 2])
    assert counts(ledger).unknown == 0
    reader([0, 1], incarnation=2, ledger=ledger)
    assert (counts(ledger).unknown, counts(ledger).lost) == (1, 0)


def test_a_sender_that_has_said_its_last_number_leaves_nothing_unknown() -> None:
    ledger = reader([0, 1])
    ledger.hear(beat("faces", 4, state="closing"))
    reader([0], incarnation=2, ledger=ledger)
    assert (counts(ledger).unknown, counts(ledger).lost) == (0, 3)


@pytest.mark.parametrize(("incarnation", "seq"), [(2**62, 2**62), (2**62, 0), (0, 5), (1, 2**62)])
def test_no_single_message_shuts_its_sender_out(incarnation: int, seq: int) -> None:
    ledger = reader([0, 1, 2])
    ledger.arrived("faces", "inference", incarnation, seq)
    ledger.hear(beat("faces", 2**62, incarnation))
    assert all(ledger.arrived("faces", "inference", 1, number) for number in (3, 4, 6))
    assert (counts(ledger).lost, counts(ledger).last_seq) == (1, 6)
    assert counts(ledger).unknown == 2


def test_senders_without_end_are_not_let_in() -> None:
    ledger = reader([0])
    let_in = [ledger.arrived("faces", f"stranger {n}", 1, 0) for n in range(10_000)]
    assert sum(let_in) == MOST_STREAMS - 1
    assert len(ledger.counts()) == MOST_STREAMS
    assert ledger.arrived("faces", "inference", 1, 1)


def test_overtaken_messages_are_dropped_and_not_lost() -> None:
    ledger = reader(range(10))
    ledger.overtaken("faces", "inference", 3)
    seen = counts(ledger)
    assert (seen.messages, seen.dropped, seen.lost) == (7, 3, 0)


def test_a_tail_that_never_came_is_lost_once() -> None:
    ledger = reader([0, 1])
    ledger.hear(beat("faces", 4))
    ledger.hear(beat("faces", 4))
    assert counts(ledger).lost == 3


def test_what_comes_after_all_was_not_lost() -> None:
    ledger = reader([0, 1])
    ledger.hear(beat("faces", 4))
    assert ledger.arrived("faces", "inference", 1, 2)
    assert (counts(ledger).lost, counts(ledger).messages) == (2, 3)
    assert ledger.arrived("faces", "inference", 1, 4)
    assert (counts(ledger).lost, counts(ledger).messages) == (1, 4)


def test_a_word_on_pictures_is_taken_when_nothing_has_come_for_long() -> None:
    """They travel beside the heartbeats, and may come after them."""
    ledger = Ledger()
    ledger.arrived("video", "inference", 1, 0)
    for last_seq, at_ns, lost in [
        (2, 0, 0),
        (5, STILL_NS // 3, 0),
        (7, STILL_NS - 1, 0),
        (9, STILL_NS, 2),  # the first word
        (11, 2 * STILL_NS - 1, 2),
        (15, 2 * STILL_NS, 9),  # that of 9
    ]:
        ledger.hear(beat("video", last_seq, received_ns=at_ns))
        assert counts(ledger, "video").lost == lost


@pytest.mark.parametrize("pause_s", [0, 60])
def test_what_a_slow_link_holds_up_is_not_lost(pause_s: int) -> None:
    """A picture takes two seconds there, and eight of them are on their way; also after a pause."""
    ledger = Ledger()
    ledger.arrived("video", "inference", 1, 0)
    for second in range(60):
        now_ns = (pause_s + second) * SECOND
        if second % 2 and second > 2:
            ledger.arrived("video", "inference", 1, second // 2, now_ns)
        ledger.hear(beat("video", second // 2 + 8, received_ns=now_ns))
        assert counts(ledger, "video").lost == 0
        assert not [*ledger.tails("video")]


def test_what_is_lost_of_sound_is_told_of_while_pictures_come() -> None:
    ledger = Ledger()
    ledger.arrived("audio", "inference", 1, 0)
    for second in range(5):
        ledger.arrived("video", "inference", 1, second, second * SECOND)
        ledger.hear(beat("video", second, received_ns=second * SECOND))
        ledger.hear(beat("audio", 3, received_ns=second * SECOND))
    assert (counts(ledger, "audio").lost, counts(ledger, "video").lost) == (3, 0)


def test_the_last_word_on_pictures_is_taken_at_once() -> None:
    ledger = Ledger()
    ledger.arrived("video", "inference", 1, 0)
    ledger.hear(beat("video", 3, state="closing"))
    assert counts(ledger, "video").lost == 3


def test_the_word_of_a_former_incarnation_is_passed_over() -> None:
    ledger = reader([0], incarnation=2)
    ledger.hear(beat("faces", 100, incarnation=1))
    assert counts(ledger).lost == 0


def test_the_last_word_stands_when_its_sender_is_heard_of_anew() -> None:
    ledger = Ledger()
    ledger.arrived("video", "inference", 1, 0)
    ledger.hear(beat("video", 1))
    ledger.hear(beat("video", 3, state="closing", received_ns=STILL_NS))
    ledger.hear(beat("video", -1, incarnation=2, received_ns=3 * STILL_NS))
    assert counts(ledger, "video").lost == 3
    assert ledger.arrived("video", "inference", 2, 0)
    assert (counts(ledger, "video").lost, counts(ledger, "video").unknown) == (3, 0)


@pytest.mark.parametrize("came", [False, True], ids=["never", "in a former life"])
def test_a_sender_of_whom_nothing_came_is_told_of_when_its_word_is_old(*, came: bool) -> None:
    ledger = Ledger()
    if came:
        ledger.arrived("video", "inference", 1, 7)
    ledger.hear(beat("video", 4, incarnation=2))
    assert not [*ledger.tails("video")]
    ledger.hear(beat("video", 4, incarnation=2, received_ns=STILL_NS))
    assert [*ledger.tails("video")] == [Tail("inference", 2, None, 4)]
    ledger.arrived("video", "inference", 2, 4)
    assert not [*ledger.tails("video")]
