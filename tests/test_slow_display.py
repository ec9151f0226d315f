"""A display that stands still, or hardly gets on: it alone is the worse for it."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from messaging.clock import monotonic_ns
from messaging.schema import TopicCounts
from messaging.topics import HEARTBEAT
from tests.display.x11 import needs_screen, virtual_screen, window_manager
from tests.films import RATE_HZ, make_film
from tests.haste import within_s
from tests.numbers import KEPT, holes, lost
from tests.pipelines import started
from tests.shares import DESK, Shares, shares

BACK_S = 3.0
SLOW_S = 10.0
"""In which 230 MB of pictures pass: eight times what a queue of pictures holds."""
QUEUES_BYTES = 40_000_000
"""What a hub may hold for it at most: 32 pictures of 0.9 MB, and what the transport reads ahead."""
DISPLAY = "display"
SENDERS = {"speech": DESK, "faces": "worker", "utterances": "join"}


@contextmanager
def screen_for(kind: str) -> Generator[str]:
    if kind == "terminal":
        yield ""
    else:
        with virtual_screen() as display, window_manager(display):
            yield display


def stands_still(lab: Shares, _pid: int) -> None:
    lab.wait(SLOW_S)


def hardly_gets_on(lab: Shares, pid: int) -> None:
    """It runs for a twentieth of the time."""
    for _ in range(round(SLOW_S)):
        lab.wait(0.95)
        os.kill(pid, signal.SIGCONT)
        lab.wait(0.05)
        os.kill(pid, signal.SIGSTOP)


@pytest.mark.parametrize(
    ("kind", "is_slow"),
    [
        pytest.param("window", stands_still, id="window stands still", marks=needs_screen),
        pytest.param("terminal", hardly_gets_on, id="terminal hardly gets on"),
    ],
)
def test_a_slow_display_is_waited_for_by_nobody_and_says_what_it_missed(
    kind: str, is_slow: Callable[[Shares, int], None], tmp_path: Path
) -> None:
    tables = {
        "nodes.hub": {"kind": "hub"},
        "nodes.join": {"kind": "fusion"},
        "nodes.worker": {"kind": "inference"},
        f"nodes.{DESK}": {"kind": "media", "file": str(make_film(tmp_path / "film.mkv", every=1))},
    }
    tables = {name: {**table, "host": DESK} for name, table in tables.items()}
    with (
        screen_for(kind) as screen,
        shares(tables) as lab,
        started("node", kind, "--hub", lab.hub, demo=False, DISPLAY=screen) as display,
    ):
        near = lab.near

        def read(topic: str, sender: str) -> TopicCounts | None:
            """By the display."""
            counts = near.beats[DISPLAY].counts if DISPLAY in near.beats else ()
            return next((c for c in counts if (c.topic, c.sender) == (topic, sender)), None)

        lab.until(lambda: read("faces", "worker") and near.matched(DESK, 0))
        before = near.beats["hub"].rss_bytes
        os.kill(display.pid, signal.SIGSTOP)
        slow_ns = monotonic_ns()
        is_slow(lab, display.pid)
        of_hub = [r for r in near.of(HEARTBEAT) if r.sender == "hub" and r.received_ns > slow_ns]
        hub_grew = max(r.message.rss_bytes for r in of_hub) - before
        now_ns = monotonic_ns()
        took_s = lab.until(lambda: near.labels(DESK, now_ns))
        print(f"hub grew by {hub_grew / 1e6:.0f} MB; labelled beside it after {took_s:.2f} s")
        assert hub_grew < QUEUES_BYTES
        assert took_s < within_s(BACK_S)
        latest = {r.topic.name: r.seq for r in near.received if r.topic in KEPT}
        os.kill(display.pid, signal.SIGCONT)

        def has_caught_up() -> bool:
            counts = [read(topic, sender) for topic, sender in SENDERS.items()]
            return all(c and not c.lost and c.last_seq >= latest[c.topic] for c in counts)

        took_s = lab.until(has_caught_up)
        print(f"{kind} back after {took_s:.2f} s")
        assert took_s < within_s(BACK_S)
        lab.until(lambda: near.matched(DESK, slow_ns))
        display.terminate()
        lab.until(lambda: near.beats[DISPLAY].state == "closing")
        lab.end(DESK)
    assert not holes(near.received)
    assert not lost(near.beats[DISPLAY])
    assert not lost(near.beats["join"])
    assert all(utterance.status == "matched" for utterance in near.finals())
    if kind == "window":
        seen = read("video", DESK)
        assert seen is not None
        assert seen.lost > SLOW_S * RATE_HZ / 4
        assert seen.before + seen.messages + seen.dropped + seen.lost == seen.last_seq + 1
