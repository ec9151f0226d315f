"""How well this machine's clock can be held against the hub's."""

from pathlib import Path

from commands.doctor.finding import Finding
from messaging.probe import ClockReading, probe

NAME = "clock"
TIMEOUT_S = 2.0
LOOSE_NS = 16_000_000
"""Half a picture interval at 30/s: beyond it the clocks decide which picture is nearest."""


def judge(reading: ClockReading | None) -> Finding:
    if reading is None:
        return Finding(
            NAME,
            "failure",
            f"the hub's clock does not answer within {TIMEOUT_S:g} s",
            "let the hub's fifth place through, or restart the hub",
        )
    trip = f"round trip {reading.round_trip_ns / 1e6:.2f} ms"
    if not reading.bound_ns:
        return Finding(NAME, "fine", f"the hub's clock is this machine's own; {trip}")
    told = f"known to ± {reading.bound_ns / 1e6:.2f} ms ({trip})"
    if reading.bound_ns > LOOSE_NS:
        return Finding(
            NAME,
            "warning",
            f"{told}: more than half a picture",
            "use a cable instead of wireless, and a quieter network",
        )
    return Finding(NAME, "fine", told)


def examine(endpoint: str, keys: Path | None) -> Finding:
    return judge(probe(endpoint, TIMEOUT_S, keys))
