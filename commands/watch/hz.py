"""How regularly the messages of a topic come."""

import statistics
from collections import deque
from typing import Any

from commands.watch.listener import listening, topic_called
from config.settings import Settings
from messaging.clock import monotonic_ns
from messaging.text import plain
from messaging.topics import Topic
from messaging.wire import Received

LOOK_S = 0.1
REPORT_NS = 1_000_000_000
WINDOW = 10_000
"""Intervals that are kept."""
PUNCTUATION = frozenset(("opened", "gap", "closed"))
"""Events that no rate is about."""


class Rhythm:
    """Intervals between the instants that it was given."""

    def __init__(self) -> None:
        self.messages = 0
        self._last_ns: int | None = None
        self._intervals_ns: deque[int] = deque(maxlen=WINDOW)

    def beat(self, at_ns: int) -> None:
        if self._last_ns is not None:
            self._intervals_ns.append(at_ns - self._last_ns)
        self._last_ns = at_ns
        self.messages += 1

    def report(self) -> str:
        """Rate, jitter (the intervals' standard deviation), shortest and longest interval."""
        if not self._intervals_ns:
            return "a single message"
        mean_ns = statistics.fmean(self._intervals_ns)
        ms = [f"{value / 1e6:.1f}" for value in self._spread()]
        rate = f"{1e9 / mean_ns:.2f}/s" if mean_ns > 0 else "all at once"
        return f"{rate}  jitter {ms[0]} ms  min {ms[1]} ms  max {ms[2]} ms"

    def _spread(self) -> tuple[float, float, float]:
        intervals = self._intervals_ns
        return statistics.pstdev(intervals), min(intervals), max(intervals)


class Rhythms:
    """By sender and source: when messages came, and when they say that it happened."""

    def __init__(self, topic: Topic[Any]) -> None:
        self._topic = topic
        self._rhythms: dict[tuple[str, str], tuple[Rhythm, Rhythm]] = {}

    def hear(self, received: Received[Any]) -> None:
        """Punctuation, and other topics, are passed over."""
        message = received.message
        if received.topic is not self._topic or getattr(message, "event", "") in PUNCTUATION:
            return
        stream = received.sender, getattr(message, "source", "")
        arrivals, stamps = self._rhythms.setdefault(stream, (Rhythm(), Rhythm()))
        arrivals.beat(received.received_ns)
        stamp = getattr(message, "stamp", None) or message.onset
        stamps.beat(stamp.pipeline_ns)

    def lines(self) -> list[str]:
        """Three for each stream; empty while nothing came."""
        lines: list[str] = []
        for (sender, source), (arrivals, stamps) in sorted(self._rhythms.items()):
            about = f" of {source}" if source not in ("", sender) else ""
            lines.append(plain(f"{sender}{about}: {arrivals.messages} messages"))
            lines.append(f"  arrivals  {arrivals.report()}")
            lines.append(f"  stamps    {stamps.report()}")
        return lines


def hz(settings: Settings, name: str, *, seconds: float | None) -> bool:
    """A report a second until Ctrl-C, and one at the end; ``seconds`` have that one alone, after so
    long. Returns whether anything came.

    Raises:
        UserError: there is no such topic, or no hub.
    """
    topic = topic_called(name)
    rhythms = Rhythms(topic)
    with listening(settings, topic, keeps_all=True) as listener:
        told_ns = monotonic_ns()
        for arrived in listener.rounds(LOOK_S, seconds):
            for received in arrived:
                rhythms.hear(received)
            if seconds is None and monotonic_ns() - told_ns >= REPORT_NS:
                _print(rhythms, name)
                told_ns = monotonic_ns()
        _print(rhythms, name)
    return bool(rhythms.lines())


def _print(rhythms: Rhythms, name: str) -> None:
    print("\n".join(rhythms.lines()) or f"nothing on {name} yet", flush=True)
