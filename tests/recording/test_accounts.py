"""The ledger of a session, from heartbeats made by hand."""

from dataclasses import replace

import pytest

from messaging.schema import Heartbeat, TopicCounts
from recording.accounts import RUNS_ON, STOPPED, Accounts, Hop
from tests.recording.messages import beat

SENT = TopicCounts("faces", last_seq=9, messages=10)


def read(messages: int, **counts: int) -> TopicCounts:
    return TopicCounts("faces", "inference", messages=messages, **counts)


def account(*beats: Heartbeat) -> Accounts:
    accounts = Accounts()
    for each in beats:
        accounts.note(each)
    return accounts


def hop(*beats: Heartbeat) -> Hop:
    (found,) = account(*beats).hops()
    return found


SENDER = beat("inference", SENT)
LAUNCHERS = [beat(name, kind="launcher", state="running") for name in ("launcher", "launcher-b-1")]


def test_what_was_sent_and_read_adds_up() -> None:
    found = hop(SENDER, beat("fusion", read(10)))
    assert (found.topic, found.sender, found.reader) == ("faces", "inference", "fusion")
    assert found.adds_up
    assert not found.unknown


def test_a_message_that_vanished_does_not_add_up() -> None:
    found = hop(SENDER, beat("fusion", read(9)))
    assert (found.produced, found.accounted) == (10, 9)
    assert not found.adds_up


def test_a_message_too_many_does_not_add_up() -> None:
    assert not hop(SENDER, beat("fusion", read(11))).adds_up


@pytest.mark.parametrize("how", ["dropped", "lost", "before"])
def test_what_was_counted_as_gone_is_accounted_for(how: str) -> None:
    found = hop(SENDER, beat("fusion", read(7, **{how: 3})))
    assert found.adds_up
    assert found.accounted == 10


@pytest.mark.parametrize(
    ("beats", "why"),
    [
        ([beat("fusion", read(10))], "the sender told nothing"),
        (
            [beat("inference", SENT, state="running"), beat("fusion", read(10))],
            "the sender has no last word",
        ),
        ([SENDER, beat("fusion", read(9), state="running")], "the reader has no last word"),
        ([SENDER, beat("fusion", read(9, unknown=1))], "the sender broke off"),
        (
            [
                beat("inference", SENT, state="running"),
                beat("inference", pid=2),
                beat("fusion", read(9)),
            ],
            "the sender broke off",
        ),
        (
            [SENDER, beat("fusion", read(4), state="running"), beat("fusion", read(3), pid=2)],
            "the reader broke off",
        ),
        ([beat("inference", SENT, ms=9000), beat("fusion", read(9))], "the reader ended first"),
        ([beat("inference", SENT, ms=2000), beat("fusion", read(9))], "the reader ended first"),
        ([beat("inference", SENT, ms=2000), beat("fusion", read(9)), *LAUNCHERS], STOPPED),
        (
            [beat("inference", SENT, ms=9000), beat("fusion", read(9)), *LAUNCHERS],
            "the reader ended first",
        ),
        (
            [
                beat("inference", SENT, ms=2000),
                beat("fusion", read(9)),
                LAUNCHERS[0],
                replace(LAUNCHERS[0], pid=2),  # the same one, restarted
            ],
            "the reader ended first",
        ),
    ],
)
def test_a_tail_that_nobody_tells_of_is_unknown(beats: list[Heartbeat], why: str) -> None:
    assert hop(*beats).unknown == why


def test_of_a_process_the_last_word_counts_whenever_it_is_heard() -> None:
    early = beat("inference", TopicCounts("faces", last_seq=1, messages=2), state="running", ms=1)
    assert hop(SENDER, early, beat("fusion", read(10))).produced == 10


def test_over_restarts_all_is_summed() -> None:
    readers = beat("fusion", read(7)), beat("fusion", read(5, lost=1), pid=2)
    found = hop(SENDER, beat("inference", SENT, pid=2), *readers)
    assert (found.produced, found.processed, found.lost) == (20, 12, 1)


def test_a_sender_that_ends_each_time_with_a_last_word_is_known_to_the_end() -> None:
    """As commands do that note an event."""
    senders = [beat("inference", SENT, pid=pid) for pid in range(5)]
    assert hop(*senders, beat("fusion", read(50))).adds_up
    found = hop(*senders, beat("fusion", read(49)))
    assert (found.adds_up, found.unknown) == (False, "")


def test_who_outlives_the_recording_is_not_held_to_account() -> None:
    found = account(SENDER, beat("launcher", read(3), state="running")).hops(["launcher"])
    assert [f.unknown for f in found] == [RUNS_ON]


def test_a_stream_of_which_nothing_came_is_missed() -> None:
    """The reader says nothing of it: it never saw that there is one."""
    first = beat("inference", state="running", ms=1)
    accounts = account(first, SENDER, beat("recorder"))
    (missed,) = accounts.hops(reads={"recorder": ["faces", "speech"]})
    assert (missed.produced, missed.accounted, missed.adds_up) == (10, 0, False)
    assert accounts.hops(reads={"recorder": ["speech"]}) == []


def test_a_stream_that_had_ended_before_is_not_missed() -> None:
    first = beat("inference", SENT, state="running", ms=1)
    assert account(first, SENDER, beat("recorder")).hops(reads={"recorder": ["faces"]}) == []


def test_heartbeats_and_logs_go_on_to_the_end_and_have_no_account() -> None:
    counts = TopicCounts("heartbeat", "inference", messages=3)
    assert account(SENDER, beat("fusion", counts)).hops() == []


def test_rejected_messages_are_summed_by_node() -> None:
    first, second = (
        Heartbeat(beat("x").stamp, "fusion", "closing", pid, rejected=2) for pid in (1, 2)
    )
    assert account(first, second, SENDER).rejected == {"fusion": 4}


def test_in_a_container_every_process_has_the_same_number() -> None:
    anew = beat("inference", SENT, ms=3000, began_ms=2500)
    found = hop(SENDER, anew, beat("fusion", read(20), ms=4000))
    assert (found.produced, found.adds_up, found.unknown) == (20, True, "")
