"""Heartbeats and results in, rows out; and what a real node's heartbeat brings along."""

import platform
import time
from dataclasses import replace
from typing import Any

import pytest

from messaging.node import Node
from messaging.observer import (
    FORGOTTEN_NS,
    MOST_BEATS,
    MOST_NODES,
    SILENT_NS,
    Latency,
    NodeRow,
    Observer,
)
from messaging.schema import FaceEmotions, Heartbeat, Marker, Stamp, TopicCounts, UtteranceEmotion
from messaging.topics import FACES, HEARTBEAT, MARKERS, UTTERANCES, Topic
from messaging.wire import Received

MS, S = 1_000_000, 1_000_000_000


def stamp(s: float, clock: str = "hub") -> Stamp:
    return Stamp(round(s * S), clock)


def heard(
    topic: Topic[Any], message: Any, sender: str, at_s: float, incarnation: int = 1
) -> Received[Any]:
    return Received(topic, message, memoryview(b""), sender, incarnation, 0, round(at_s * S))


def beat(
    name: str, at_s: float, counts: tuple[TopicCounts, ...] = (), incarnation: int = 1, **more: Any
) -> Received[Heartbeat]:
    more = {"state": "running", "pid": 1, "host": "lab", **more}
    message = Heartbeat(stamp(at_s), name, counts=counts, **more)
    return heard(HEARTBEAT, message, name, at_s, incarnation)


def face(taken_s: float, heard_s: float, *, real_time: bool = True) -> Received[FaceEmotions]:
    message = FaceEmotions(stamp(taken_s), "cam", 0, interval_ns=40 * MS, real_time=real_time)
    return heard(FACES, message, "inference", heard_s)


def row(observer: Observer, name: str, now_s: float) -> NodeRow:
    (found,) = [row for row in observer.nodes(round(now_s * S)) if row.name == name]
    return found


def observed(*messages: Received[Any], hub_offset_ns: int | None = 0) -> Observer:
    observer = Observer(hub_offset_ns)
    observer.hear_all(messages)
    return observer


def test_a_node_heard_once_is_there_but_has_no_rates() -> None:
    observer = observed(beat("camera", 1, (TopicCounts("video", messages=30),), cpu_ns=5))
    seen = row(observer, "camera", 1.5)
    assert (seen.cpu, seen.rate_hz, seen.latency, seen.restarts) == (None, None, None, 0)
    assert (seen.silent_ns, seen.is_silent) == (S // 2, False)


def test_rates_and_load_are_those_of_the_time_between_heartbeats() -> None:
    first = (TopicCounts("video", messages=100, bytes=1000), TopicCounts("heartbeat", messages=9))
    second = (TopicCounts("video", messages=160, bytes=3000), TopicCounts("heartbeat", messages=99))
    observer = observed(beat("camera", 1, first, cpu_ns=0), beat("camera", 3, second, cpu_ns=S))
    seen = row(observer, "camera", 3)
    assert (seen.cpu, seen.rate_hz) == (0.5, 30)  # what every node sends is no rate of its own
    video = next(s for s in observer.streams(3 * S) if s.topic == "video")
    assert (video.rate_hz, video.bytes_per_s, video.messages, video.bytes) == (30, 1000, 160, 3000)
    assert (video.sender, video.host) == ("camera", "lab")


def test_old_heartbeats_do_not_count_for_the_rate_of_today() -> None:
    fast = [beat("camera", s, (TopicCounts("video", messages=100 * s),)) for s in range(10)]
    slow = [beat("camera", s, (TopicCounts("video", messages=900 + s),)) for s in range(10, 20)]
    assert row(observed(*fast, *slow), "camera", 19).rate_hz == 1


def test_heartbeats_of_a_clock_that_stands_still_are_not_kept_without_end() -> None:
    still = [beat("camera", 1, (TopicCounts("video", messages=n),)) for n in range(1000)]
    last = beat("camera", 2, (TopicCounts("video", messages=1000),))
    assert row(observed(*still, last), "camera", 2).rate_hz == MOST_BEATS - 1


def test_a_stream_names_those_who_read_it() -> None:
    reads = (TopicCounts("faces", "inference", messages=3),)
    observer = observed(
        beat("inference", 1, (TopicCounts("faces", messages=3),)),
        beat("fusion", 1, reads),
        beat("display", 1, reads),
        beat("former", 1, reads, state="closing"),
    )
    (faces,) = observer.streams(S)
    assert faces.readers == ("display", "fusion")


@pytest.mark.parametrize(
    ("now_s", "state", "silent", "closed"),
    [(2, "running", False, False), (9, "running", True, False), (9, "closing", False, True)],
)
def test_a_node_that_says_nothing_any_more_is_silent_unless_it_has_closed(
    now_s: float, state: str, silent: bool, closed: bool
) -> None:
    counts = (TopicCounts("video", messages=1),)
    observer = observed(beat("camera", 1, counts), beat("camera", 2, counts, state=state))
    seen = row(observer, "camera", now_s)
    assert (seen.is_silent, seen.is_closed) == (silent, closed)
    flows = seen.rate_hz is not None
    assert flows == (not silent and not closed)
    assert flows == (observer.streams(round(now_s * S))[0].rate_hz is not None)


def test_a_closed_node_is_forgotten_after_a_while_and_a_silent_one_never() -> None:
    observer = observed(beat("gone", 1, state="closing"), beat("hangs", 1))
    assert len(observer.nodes(2 * S)) == 2
    assert [row.name for row in observer.nodes(2 * S + FORGOTTEN_NS)] == ["hangs"]


def test_restarts_are_new_incarnations_and_figures_of_all_of_them_are_added_up() -> None:
    read = TopicCounts("video", "camera", dropped=2, lost=3)
    observer = observed(
        beat("inference", 1, (read,), incarnation=5, rejected=1),
        beat("inference", 2, (read,), incarnation=6, rejected=1),
        beat("inference", 3, (replace(read, lost=4),), incarnation=6, rejected=1),
    )
    seen = row(observer, "inference", 3)
    assert (seen.restarts, seen.overtaken, seen.lost, seen.rejected) == (1, 4, 7, 2)
    assert not seen.is_twice


def test_two_nodes_of_one_name_are_told_apart_from_a_restart() -> None:
    observer = observed(*(beat("camera", s, incarnation=5 + s % 2) for s in range(1, 8)))
    seen = row(observer, "camera", 7)
    assert (seen.is_twice, seen.restarts) == (True, 0)
    assert not row(observer, "camera", 7 + SILENT_NS / S).is_twice
    observer = observed(
        beat("camera", 1, incarnation=5),
        beat("camera", 2, incarnation=6),
        beat("camera", 2, incarnation=5, state="closing"),
    )
    assert not row(observer, "camera", 2).is_twice


def test_one_that_starts_anew_with_a_clock_that_is_behind_is_not_silent() -> None:
    """As a small machine without a clock chip does."""
    before = [beat("camera", s, incarnation=9, rejected=1) for s in range(1, 4)]
    after = [beat("camera", s, incarnation=5) for s in range(20, 30)]
    seen = row(observed(*before, *after), "camera", 30)
    assert (seen.is_silent, seen.is_twice, seen.restarts, seen.rejected) == (False, False, 1, 1)


def test_latency_is_from_the_cause_to_the_arrival_on_the_hubs_clock() -> None:
    results = [face(10 + i, 10 + i + i / 1000 + 5) for i in range(1, 101)]
    observer = observed(beat("inference", 1), *results, hub_offset_ns=-5 * S)
    assert row(observer, "inference", 1).latency == Latency(50 * MS, 95 * MS)


def test_an_utterances_latency_counts_from_its_end_and_only_the_last_word_counts() -> None:
    utterance = UtteranceEmotion("u", "mic", stamp(1), stamp(3), "matched", final=True)
    begun = replace(utterance, offset=None, final=False)
    observer = observed(
        beat("fusion", 1),
        heard(UTTERANCES, begun, "fusion", 1.1),
        heard(UTTERANCES, utterance, "fusion", 3.6),
    )
    assert row(observer, "fusion", 4).latency == Latency(600 * MS, 600 * MS)


def test_there_is_no_latency_without_the_hubs_clock_or_at_another_pace_than_real_time() -> None:
    late = face(1, 1.1)
    assert row(observed(beat("inference", 1), late), "inference", 2).latency
    unknown = observed(beat("inference", 1), late, hub_offset_ns=None)
    assert row(unknown, "inference", 2).latency is None
    played = observed(beat("inference", 1), face(1, 1.1, real_time=False))
    assert row(played, "inference", 2).latency is None


def test_the_nominal_distance_of_pictures_is_known_by_camera() -> None:
    assert observed(face(1, 1.1)).interval_ns == {"cam": 40 * MS}


def test_a_flood_of_names_is_bounded() -> None:
    observer = observed(*(beat(f"n{number}", 1) for number in range(2 * MOST_NODES)))
    assert len(observer.nodes(S)) == MOST_NODES


def test_a_real_node_says_its_host_and_how_much_it_has_sent(address: str) -> None:
    observer = Observer()
    with Node("reader", address, [HEARTBEAT]) as reader, Node("sender", address) as sender:
        for _ in range(10):
            sender.publish(MARKERS, Marker(sender.stamp(), "x" * 1000))
        sender.beat()
        deadline = time.monotonic() + 10
        while not (rows := [s for s in observer.streams(0) if s.topic == "markers"]):
            assert time.monotonic() < deadline
            observer.hear_all(reader.receive(0.05))
    (markers,) = rows
    assert (markers.sender, markers.host, markers.messages) == ("sender", platform.node(), 10)
    assert 10_000 < markers.bytes < 14_000
