"""A link that is down for a while, between processes on several hosts: what may be lost, what may
not, and when labelling is back.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.hosts import neighbour, why_not
from capture.demo import load_truth
from messaging.clock import monotonic_ns
from messaging.schema import Stamp, UtteranceEmotion
from messaging.topics import FACES, HEARTBEAT, SPEECH
from tests.films import make_film
from tests.haste import within_s
from tests.numbers import holes, lost
from tests.pipelines import started
from tests.ports import free_ports
from tests.shares import DESK, Shares, shares

BACK_S = 3.0
"""From the link's return until all of later is labelled again."""
TRIES = 2
"""A machine that is busy with other things gets some."""
SECOND = 1_000_000_000
LEFT, RIGHT = "left", "right"
HOSTS = DESK, LEFT, RIGHT
"""Each with a camera and a microphone of its name."""
WORKERS = "worker-left", "worker-right"
FAR, AHEAD_S = "far", 9_000


@pytest.mark.parametrize("down_s", [1, 10, 60])
def test_a_link_that_was_down_costs_pictures_alone(tmp_path: Path, down_s: int) -> None:
    """One is cut and another one falls silent, at the same time. Pictures, speech, faces and labels
    cross both of them.
    """
    film = str(make_film(tmp_path / "film.mkv"))
    tables = {
        "nodes.hub": {"kind": "hub", "host": DESK},
        "nodes.join": {"kind": "fusion", "host": DESK},
        "nodes.worker-left": {"kind": "inference", "host": LEFT},
        "nodes.worker-right": {"kind": "inference", "host": RIGHT},
    } | {f"nodes.{host}": {"kind": "media", "file": film, "host": host} for host in HOSTS}

    with shares(tables, [LEFT, RIGHT], listening=[RIGHT]) as lab:

        def break_down() -> None:
            lab.links[LEFT].cut()
            lab.links[RIGHT].silence()

        def come_back() -> None:
            for link in lab.links.values():
                link.restore()

        ears = lab.ears.values()
        lab.until(lambda: all(lab.near.matched(each, 0) for each in HOSTS))
        outages = down(lab, down_s, break_down, come_back, HOSTS)
        last_ns = outages[-1][1]
        lab.until(lambda: all(lab.near.matched(each, last_ns) for each in HOSTS))
        lab.until(lambda: len({ear.finals()[-1].id for ear in ears}) == 1)
        assert_every_picture_is_answered_or_told_of(lab)
        lab.end(LEFT, RIGHT, DESK)
        shown = {host: [u["id"] for u in lab.printed(host)[0]] for host in HOSTS}
        restarts = [lab.printed(host)[1]["restarts"] for host in HOSTS]
    assert restarts == [{}, {}, {}]
    assert_labels_are_right(lab.near.finals(), outages)
    assert_what_is_missing_is_told_of(lab)
    if len(outages) == 1:  # the machine kept up
        assert_nothing_is_missing(lab)
        assert shown[DESK] == ids(lab.near.finals())
        for host in (LEFT, RIGHT):  # they end first
            assert shown[host] == shown[DESK][: len(shown[host])]


def down(
    lab: Shares,
    down_s: int,
    break_down: Callable[[], None],
    come_back: Callable[[], None],
    sources: tuple[str, ...],
) -> list[tuple[int, int]]:
    """From when to when it was so, until all who listen had labels of what was seen and heard after
    the link was back. Another time, where that took too long.
    """
    outages: list[tuple[int, int]] = []
    is_late = True
    while is_late and len(outages) < TRIES:
        down_ns = monotonic_ns()
        break_down()
        lab.wait(down_s)
        come_back()
        up_ns = monotonic_ns()
        took_s = lab.until(
            lambda: all(
                ear.labels(each, up_ns)  # noqa: B023
                for ear in lab.ears.values()
                for each in sources
            )
        )
        print(f"down for {down_s} s, back after {took_s:.2f} s")
        outages.append((down_ns, monotonic_ns()))
        is_late = took_s >= within_s(BACK_S)
    assert not is_late
    return outages


def ids(results: list[UtteranceEmotion]) -> list[str]:
    return [result.id for result in results]


def assert_what_is_missing_is_told_of(lab: Shares) -> None:
    """By whoever misses it, near or far; and each utterance has one last word."""
    for host, ear in lab.ears.items():
        assert holes(ear.received) == lost(lab.near.beats[f"ear-{host}"]), host
    assert set(Counter(ids(lab.near.finals())).values()) == {1}


def assert_nothing_is_missing(lab: Shares) -> None:
    """Of speech, faces and utterances, to nobody who reads."""
    for name in ("join", *(f"ear-{host}" for host in lab.ears)):
        assert not lost(lab.near.beats[name]), name
    speech = (r.message for r in lab.near.of(SPEECH))
    ended = Counter(message.utterance for message in speech if message.event == "ended")
    assert ended <= Counter(ids(lab.near.finals()))


def assert_every_picture_is_answered_or_told_of(lab: Shares) -> None:
    """As lost or overtaken, by the worker that was to answer it."""
    answered: defaultdict[str, set[int]] = defaultdict(set)
    for r in lab.near.of(FACES):
        if r.message.event == "analysed":
            answered[r.message.source].add(r.message.index)
    lab.wait(1.0)  # heartbeats tell of what was until now
    for camera in HOSTS:
        pictures = max(answered[camera]) + 1
        unanswered = pictures - len(answered[camera])
        told = sum(
            count.lost + count.dropped
            for worker in WORKERS
            for count in lab.near.beats[worker].counts
            if (count.topic, count.sender) == ("video_jpeg", camera)
        )
        print(f"{camera}: {unanswered} of {pictures} pictures unanswered, {told} told of")
        assert unanswered <= told


def assert_labels_are_right(finals: list[UtteranceEmotion], outages: list[tuple[int, int]]) -> None:
    """Of all that was said while the link was up, but for what it took along as it broke, and what
    the end of the test cut short.
    """
    truth = load_truth()

    def is_undisturbed(onset_ns: int, offset_ns: int) -> bool:
        return all(
            offset_ns < down_ns - SECOND or back_ns < onset_ns for down_ns, back_ns in outages
        )

    whole = [
        u
        for u in finals
        if u.offset is not None
        and u.alignment_bound_ns is not None
        and is_undisturbed(u.onset.pipeline_ns, u.offset.pipeline_ns)
    ]
    assert {u.source for u in whole} == {u.source for u in finals}
    for utterance in whole:
        onset_s = utterance.onset.captured_ns / SECOND % truth.duration_s
        (label,) = (u.label for u in truth.utterances if abs(u.onset_s - onset_s) < 1)
        assert (utterance.status, utterance.label) == ("matched", label)


@pytest.mark.skipif(bool(reason := why_not()), reason=reason)
def test_while_a_wire_is_unplugged_its_host_knows_less_and_less_of_the_time_and_is_right(
    tmp_path: Path,
) -> None:
    """A real one: nothing is closed, and nothing answered."""
    port = free_ports()
    hub = "hub", "--bind", f"tcp://0.0.0.0:{port}", "--insecure"
    film = str(make_film(tmp_path / "film.mkv"))
    tables = {
        "nodes.join": {"kind": "fusion", "host": DESK},
        "nodes.worker": {"kind": "inference", "host": FAR},
        f"nodes.{FAR}": {"kind": "media", "file": film, "host": FAR},
    }
    with neighbour(AHEAD_S) as host, started(*hub), shares(tables, port=port) as lab:
        near = lab.near
        lab.hub_at[FAR] = f"tcp://{host.here}:{port}"
        lab.start(FAR, *host.place)
        lab.until(lambda: near.matched(FAR, 0))
        outages = down(lab, 10, host.unplug, host.plug, (FAR,))
        last_ns = outages[-1][1]
        lab.until(lambda: near.matched(FAR, last_ns))
        lab.end(FAR, DESK)
        restarts = [lab.printed(each)[1]["restarts"] for each in (FAR, DESK)]
    assert restarts == [{}, {}]
    assert not holes(near.received)
    assert not lost(near.beats["join"])
    assert_labels_are_right(near.finals(), outages)
    stamps: list[Stamp] = [r.message.stamp for r in near.of(HEARTBEAT) if r.sender == FAR]
    bounds = {stamp.pipeline_ns: stamp.bound_ns for stamp in stamps if stamp.bound_ns is not None}
    assert len(bounds) == len(stamps)
    for stamp in stamps:
        assert abs(stamp.offset_ns + AHEAD_S * SECOND) <= bounds[stamp.pipeline_ns]
    down_ns, back_ns = outages[0]
    before = [bound for at_ns, bound in bounds.items() if down_ns - 3 * SECOND < at_ns < down_ns]
    meanwhile = [bound for at_ns, bound in bounds.items() if down_ns < at_ns < back_ns]
    assert max(meanwhile) > max(before)
