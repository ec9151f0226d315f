"""What a reader makes of numbers that are missing."""

import random
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import pytest

from messaging.healing import ASK_NS, GIVE_UP_NS, MOST_HELD, Ask, Healing
from messaging.ledger import JUMP, MOST_STREAMS, Ledger
from messaging.schema import Heartbeat, LogRecord, Marker, Stamp, TopicCounts
from messaging.topics import HEARTBEAT, LOG, MARKERS, SPEECH
from messaging.wire import Received

STAMP = Stamp(0, "clock")
TEXT = Marker(STAMP, "text")


def message(seq: int, incarnation: int = 1, at_ns: int = 0, sender: str = "far") -> Received[Any]:
    return Received(MARKERS, TEXT, memoryview(b""), sender, incarnation, seq, at_ns)


def word(
    last_seq: int,
    incarnation: int = 1,
    state: Literal["running", "closing"] = "running",
    topic: str = "markers",
    at_ns: int = 0,
) -> Received[Any]:
    """Of a sender, on what it has sent; on nothing where ``last_seq`` is -1."""
    counts = (TopicCounts(topic, "", last_seq),) if last_seq >= 0 else ()
    beat = Heartbeat(STAMP, "far", state, 1, counts=counts)
    return Received(HEARTBEAT, beat, memoryview(b""), "far", incarnation, 0, at_ns)


class Reader:
    """As ``Bus`` does it; ``handed`` is what it hands on."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.healing = Healing(["markers"], self.ledger)
        self.handed: list[tuple[int, int]] = []
        """Incarnation and number."""

    def take(self, *received: Received[Any]) -> "Reader":
        for one in received:
            self.hand_on(self.healing.take(one))
            if isinstance(one.message, Heartbeat):
                self.ledger.hear(one)
        return self

    def hand_on(self, ready: Iterable[Received[Any]]) -> None:
        for one in ready:
            if one.topic is MARKERS:
                assert self.ledger.arrived("markers", one.sender, one.incarnation, one.seq)
                self.handed.append((one.incarnation, one.seq))

    def seqs(self) -> list[int]:
        return [seq for _, seq in self.handed]

    def asks(self, now_ns: int = 0) -> list[tuple[int, int]]:
        return [(ask.first, ask.last) for ask in self.healing.asks(now_ns)]

    def counts(self) -> TopicCounts:
        (counts,) = (count for count in self.ledger.counts() if count.sender == "far")
        return counts


def test_what_comes_in_order_is_handed_on_at_once_and_nothing_is_asked_for() -> None:
    reader = Reader().take(word(-1), *map(message, range(5)), word(4))
    assert (reader.seqs(), reader.asks()) == ([0, 1, 2, 3, 4], [])
    assert reader.counts().healed == 0


def test_a_gap_holds_back_what_came_after_it_until_it_is_healed() -> None:
    reader = Reader().take(message(0), message(3), message(4))
    assert (reader.seqs(), reader.asks()) == ([0], [(1, 2)])
    assert reader.take(message(1)).seqs() == [0, 1]
    assert reader.take(message(2)).seqs() == [0, 1, 2, 3, 4]
    assert (reader.asks(), reader.counts().healed, reader.counts().lost) == ([], 2, 0)


def test_the_heartbeat_shows_what_is_missing_at_the_end() -> None:
    reader = Reader().take(message(0), word(2))
    assert reader.asks() == [(1, 2)]
    assert reader.take(message(1), message(2)).seqs() == [0, 1, 2]
    assert (reader.asks(), reader.counts().healed) == ([], 2)


def test_it_is_asked_again_when_nothing_comes_and_not_before() -> None:
    reader = Reader().take(message(0), message(9, at_ns=5))
    assert reader.asks(5) == [(1, 8)]
    assert reader.asks(5 + ASK_NS - 1) == []
    assert reader.asks(5 + ASK_NS) == [(1, 8)]
    reader.take(message(1, at_ns=6 + ASK_NS))
    assert reader.asks(5 + 2 * ASK_NS) == [], "the answer is on its way"
    assert reader.asks(6 + 2 * ASK_NS) == [(2, 8)]


def test_what_does_not_come_is_lost_after_its_time_and_the_rest_goes_on() -> None:
    reader = Reader().take(message(0), message(2, at_ns=7), message(3, at_ns=9))
    assert not list(reader.healing.overdue(6 + GIVE_UP_NS))
    reader.hand_on(reader.healing.overdue(7 + GIVE_UP_NS))
    assert (reader.seqs(), reader.asks()) == ([0, 2, 3], [])
    assert (reader.counts().lost, reader.counts().healed) == (1, 0)
    assert reader.take(message(1), message(4)).seqs() == [0, 2, 3, 4], "too late"


def test_each_of_two_gaps_is_asked_for_and_has_its_time() -> None:
    reader = Reader().take(message(0), message(2), message(4, at_ns=1))
    assert reader.asks(1) == [(1, 1)]
    reader.take(message(1, at_ns=100))
    assert (reader.seqs(), reader.asks(101)) == ([0, 1, 2], [(3, 3)])
    assert not list(reader.healing.overdue(99 + GIVE_UP_NS))
    reader.hand_on(reader.healing.overdue(100 + GIVE_UP_NS))
    assert reader.seqs() == [0, 1, 2, 4]


def test_what_the_sender_keeps_no_more_is_lost_at_once() -> None:
    reader = Reader().take(message(0), message(9))
    assert reader.asks() == [(1, 8)]
    reader.hand_on(reader.healing.gone(Ask("markers", "far", 1, 1, 5), 0))
    assert reader.seqs() == [0]
    assert reader.asks() == [], "what is kept is on its way"
    assert reader.take(*map(message, (6, 7, 8))).seqs() == [0, 6, 7, 8, 9]
    assert (reader.counts().lost, reader.counts().healed) == (5, 3)


@pytest.mark.parametrize(
    "ask",
    [
        Ask("markers", "far", 1, 2, 5),
        Ask("markers", "far", 2, 1, 5),
        Ask("markers", "other", 1, 1, 5),
        Ask("speech", "far", 1, 1, 5),
        Ask("markers", "far", 1, 5, 1),
    ],
)
def test_the_answer_to_another_question_is_passed_over(ask: Ask) -> None:
    reader = Reader().take(message(0), message(9))
    assert not list(reader.healing.gone(ask, 0))
    assert reader.asks() == [(1, 8)]


def test_who_says_that_all_is_gone_is_believed_no_further_than_what_is_missing() -> None:
    reader = Reader().take(message(0), message(2))
    reader.hand_on(reader.healing.gone(Ask("markers", "far", 1, 0, 2**62), 0))
    assert reader.take(message(3)).seqs() == [0, 2, 3]


def test_a_reader_that_comes_late_asks_for_nothing_of_before() -> None:
    assert Reader().take(message(700), message(701)).asks() == []
    assert Reader().take(word(699), message(700), word(700)).asks() == []


def test_of_who_had_sent_nothing_yet_the_first_message_is_asked_for_as_well() -> None:
    reader = Reader().take(word(-1), word(1))
    assert reader.asks() == [(0, 1)]
    assert reader.take(message(0), message(1)).seqs() == [0, 1]


def test_a_first_message_that_is_never_healed_is_reported_as_lost() -> None:
    reader = Reader().take(word(-1), word(1))
    reader.take(message(2))
    reader.hand_on(reader.healing.overdue(GIVE_UP_NS))
    assert (reader.seqs(), reader.counts().lost) == ([2], 2)


def test_a_restarted_sender_is_asked_for_its_first_messages_and_no_more_for_the_former_s() -> None:
    reader = Reader().take(message(0), message(2), word(1, incarnation=2))
    assert reader.handed == [(1, 0), (1, 2)]
    assert reader.asks() == [(0, 1)]
    reader.take(message(0, 2), message(1, 2))
    assert reader.handed[2:] == [(2, 0), (2, 1)]
    assert reader.counts().lost == 1


def test_a_restarted_sender_s_message_releases_what_waits_for_the_former_one() -> None:
    reader = Reader().take(message(0), message(2), message(1, incarnation=2))
    assert reader.handed == [(1, 0), (1, 2)]
    assert reader.asks() == [(0, 0)]
    assert reader.take(message(0, incarnation=2)).handed[2:] == [(2, 0), (2, 1)]


def test_what_a_former_incarnation_still_says_makes_nobody_hand_on_anything_twice() -> None:
    reader = Reader().take(message(0), message(0, 2), message(1, 2), message(1), message(2, 2))
    assert reader.handed == [(1, 0), (2, 0), (2, 1), (1, 1), (2, 2)]
    assert reader.asks() == []


def test_a_sender_that_closes_answers_no_more() -> None:
    reader = Reader().take(message(0), message(2), message(5), word(7, state="closing"))
    assert (reader.seqs(), reader.asks()) == ([0, 2, 5], [])
    assert reader.counts().lost == 5


def test_what_is_missing_at_the_end_is_welcome_however_late_it_comes() -> None:
    reader = Reader().take(message(0), word(2))
    assert reader.asks() == [(1, 2)]
    reader.hand_on(reader.healing.overdue(GIVE_UP_NS))
    assert (reader.asks(GIVE_UP_NS), reader.counts().lost) == ([], 2)
    reader.take(message(1), word(2, state="closing"), message(2))
    assert (reader.seqs(), reader.counts().lost) == ([0, 1, 2], 0)


def test_what_was_sent_again_for_another_reader_is_passed_over() -> None:
    reader = Reader().take(*map(message, range(3)), message(1), message(2), message(3))
    assert reader.seqs() == [0, 1, 2, 3]


def test_streams_that_are_not_healed_pass_as_they_are() -> None:
    healing = Healing(["markers"], Ledger())
    record = LogRecord(STAMP, "far", "info", "text")
    for seq in (0, 5, 3, 3):
        one: Received[Any] = Received(LOG, record, memoryview(b""), "far", 1, seq)
        assert list(healing.take(one)) == [one]
    assert not list(healing.asks(0))
    for last_seq in (0, 9):
        assert len(list(healing.take(word(last_seq, topic=SPEECH.name)))) == 1
    assert not list(healing.asks(0)), "nobody reads it here"


@pytest.mark.parametrize(("incarnation", "seq"), [(2**62, 2**62), (2**62, 0), (0, 5), (1, 2**62)])
def test_no_single_message_shuts_its_sender_out(incarnation: int, seq: int) -> None:
    reader = Reader().take(message(0), message(1))
    reader.take(message(seq, incarnation), word(2**62, incarnation))
    assert reader.take(message(2), message(3)).handed[-2:] == [(1, 2), (1, 3)]
    assert reader.asks() == []


def test_a_word_on_numbers_that_cannot_be_is_passed_over() -> None:
    assert Reader().take(message(0), word(2 * JUMP)).asks() == []
    assert Reader().take(word(-1), word(2 * JUMP)).asks() == []


def test_a_gap_of_one_who_was_met_and_for_whose_streams_there_is_no_room_breaks_nothing() -> None:
    reader = Reader().take(word(-1))
    for number in range(MOST_STREAMS):
        reader.take(message(0, sender=str(number)))
    assert len(list(reader.healing.take(message(1)))) == 1
    assert not list(reader.healing.asks(0))
    assert not list(reader.healing.overdue(GIVE_UP_NS))


def test_the_start_of_a_new_incarnation_is_asked_for_though_the_former_one_said_nothing() -> None:
    assert Reader().take(word(-1), word(2, incarnation=2)).asks() == [(0, 2)]
    assert Reader().take(word(-1), message(2, incarnation=2)).asks() == [(0, 1)]


def test_a_new_incarnation_has_its_own_time() -> None:
    reader = Reader().take(message(0), message(2))
    reader.take(message(3, incarnation=2, at_ns=GIVE_UP_NS - 1))
    assert not list(reader.healing.overdue(GIVE_UP_NS))
    late = [message(seq, incarnation=2, at_ns=GIVE_UP_NS) for seq in range(3)]
    assert reader.take(*late).handed[-4:] == [(2, 0), (2, 1), (2, 2), (2, 3)]


def test_what_a_former_incarnation_sent_again_is_not_handed_on_twice() -> None:
    reader = Reader().take(*map(message, range(5)), message(0, incarnation=2), message(3))
    assert reader.handed == [*((1, seq) for seq in range(5)), (2, 0)]
    assert reader.take(message(1, incarnation=2)).handed[-1] == (2, 1)


def test_what_comes_with_the_second_answer_is_healed_as_well() -> None:
    reader = Reader().take(message(0), message(5))
    assert reader.asks() == [(1, 4)]
    reader.take(message(2), message(3), message(4))
    assert reader.asks(ASK_NS) == [(1, 1)]
    assert reader.take(message(1)).seqs() == [0, 1, 2, 3, 4, 5]
    assert reader.counts().healed == 4


def test_a_sender_that_never_answers_is_not_asked_for_ever() -> None:
    reader, asks = Reader().take(message(0)), 0
    for second in range(60):
        now_ns = second * 1_000_000_000
        reader.take(word(2, at_ns=now_ns))
        asks += len(reader.asks(now_ns))
        reader.hand_on(reader.healing.overdue(now_ns))
    assert 1 <= asks <= 6
    now_ns = 60_000_000_000
    assert reader.take(word(4, at_ns=now_ns)).asks(now_ns) == [(1, 4)]


SECOND = 1_000_000_000


def hear(reader: Reader, seconds: Iterable[int], *senders: str) -> None:
    for second in seconds:
        for sender in senders:
            beat = Heartbeat(STAMP, sender, "running", 1)
            reader.take(Received(HEARTBEAT, beat, memoryview(b""), sender, 1, 0, second * SECOND))
        reader.hand_on(reader.healing.overdue(second * SECOND))


def test_who_is_dead_does_not_hold_up_what_it_said_for_each_of_its_gaps_anew() -> None:
    reader = Reader()
    hear(reader, [0], "far", "near")
    reader.take(*map(message, range(0, 10, 2)))
    hear(reader, range(1, 5), "near")
    assert reader.seqs() == [0]
    hear(reader, [5], "near")
    assert (reader.seqs(), reader.counts().lost) == ([0, 2, 4, 6, 8], 4)


@pytest.mark.parametrize("away", [range(1, 2), range(100, 101)], ids=["at once", "after a lull"])
def test_who_was_only_out_of_reach_is_asked_for_each_of_its_gaps(away: range) -> None:
    """Also when others are heard again before it is."""
    reader = Reader()
    hear(reader, [0], "far", "near")
    reader.take(*map(message, range(0, 10, 2)))
    hear(reader, away, "near")
    reader.hand_on(reader.healing.overdue(GIVE_UP_NS))
    assert reader.seqs() == [0, 2]
    assert reader.asks(away[-1] * SECOND) == [(3, 3)]


def test_nothing_waits_for_what_is_no_message() -> None:
    reader = Reader().take(message(0), message(3))
    assert reader.asks() == [(1, 2)]
    reader.hand_on(reader.healing.skip(Ask("markers", "far", 1, 1, 1), 0))
    reader.hand_on(reader.healing.skip(Ask("markers", "far", 1, 4, 4), 0))
    assert reader.take(message(2), message(5)).seqs() == [0, 2, 3, 5]
    assert (reader.asks(), reader.counts().lost) == ([], 2)


def test_senders_without_end_cost_no_memory_without_end() -> None:
    reader = Reader()
    for number in range(3 * MOST_STREAMS):
        assert len(list(reader.healing.take(message(0, sender=str(number))))) == 1
        list(reader.healing.take(message(9, sender=str(number))))
    assert len(list(reader.healing.asks(0))) == MOST_STREAMS


def test_what_is_held_back_is_bounded() -> None:
    reader = Reader().take(message(0), *map(message, range(2, MOST_HELD + 2)))
    assert reader.seqs() == [0]
    assert reader.take(message(MOST_HELD + 2)).seqs() == [0, *range(2, MOST_HELD + 3)]
    assert reader.counts().lost == 1


def arrivals(chance: random.Random, sent: int) -> Iterator[Received[Any]]:
    """In order, each lost with a chance of one in three; then as often as it takes once more."""
    missing = list(range(sent))
    yield word(-1)
    while missing:
        came = [seq for seq in missing if chance.random() < 2 / 3]
        yield from map(message, came)
        missing = [seq for seq in missing if seq not in set(came)]
        yield word(sent - 1)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_all_is_handed_on_once_and_in_order(seed: int) -> None:
    reader = Reader()
    for received in arrivals(random.Random(seed), 200):
        reader.take(received)
        reader.asks()
    assert reader.seqs() == list(range(200))
    assert (reader.asks(), reader.counts().lost) == ([], 0)
