"""How well a node on another clock knows the hub's time, beside LSL's way of knowing it.

    python -m benchmarks.clock            # simulated links, against the truth
    python -m benchmarks.clock --hosts    # hosts with clocks of their own (Linux, root), too

LSL's estimate is the offset of the quickest of eight probes, until the next eight. Both see the
same probes: a burst each 2 s.
"""

import sys
from collections.abc import Callable
from itertools import chain

import numpy as np

from benchmarks.hosts import hosts, why_not
from benchmarks.links import FAR_NS, LINKS, Host, Link, S, drifting, middle_ns, round_trip_ns
from benchmarks.machine import describe_machine

MINUTES = 20
SEEDS = (1, 2, 3)
AHEAD_S = 3_000, 9_000, 200
STAMP_FOR_S = 60


def warming(at_ns: int) -> int:
    """50 ppm that become 60 ppm within a quarter of an hour."""
    minutes = at_ns / S / 60
    return FAR_NS + round((50 + min(minutes, 15) / 3) * 1e-6 * at_ns)


TRUTHS = {
    "0": drifting(0),
    "80 ppm": drifting(80),
    "100 ppm": drifting(100),
    "50 to 60 ppm": warming,
}


def simulated(link: Link, truth: Callable[[int], int]) -> str:
    """The errors of both in microseconds, the bounds, and the share of stamps beyond them."""
    ours: list[int] = []
    theirs: list[int] = []
    bounds: list[int] = []
    for seed in SEEDS:
        host = Host(truth, link, seed)
        for at_ns, offset_ns, bound_ns in host.stamps(60 * MINUTES):
            quickest = min(host.burst, key=round_trip_ns)
            ours.append(abs(offset_ns - truth(at_ns)))
            theirs.append(abs(middle_ns(quickest) - truth(at_ns)))
            bounds.append(bound_ns)
    beyond = np.mean(np.array(ours) > np.array(bounds))
    return f"{us(theirs)} | {us(ours)} | {us(bounds)} | {beyond:.3%}"


def us(values: list[int]) -> str:
    p50, p95 = np.percentile(values, (50, 95)) / 1e3
    return f"{p50:.0f} / {p95:.0f}"


def measured() -> None:
    with hosts(AHEAD_S) as (hub, near, far):
        bind = ("run_pipeline", "hub", "--bind", near.hub.replace("10.99.1.1", "0.0.0.0"))
        seconds = str(STAMP_FOR_S)
        with (
            hub.running(*bind, "--insecure"),
            hub.running("benchmarks.relay", "3", "4"),
            near.running("benchmarks.stamper", "near", near.hub, seconds) as quiet,
            far.running("benchmarks.stamper", "far", far.far_hub, seconds) as jammed,
        ):
            runs = {"quiet": (near, quiet), "3 ms and jitter": (far, jammed)}
            for name, (host, process) in runs.items():
                out, _ = process.communicate()
                stamps = [tuple(map(int, line.split())) for line in out.splitlines()]
                errors = [abs(offset_ns - host.offset_ns(hub)) for _, offset_ns, _ in stamps]
                bounds = [bound_ns for _, _, bound_ns in stamps]
                beyond = np.mean(np.array(errors) > np.array(bounds))
                print(f"| {name} | {us(errors)} | {us(bounds)} | {beyond:.3%} |")


def main() -> None:
    print(describe_machine())
    print(f"\nSimulated, {MINUTES} min x {len(SEEDS)}; in microseconds, p50 / p95\n")
    print("| link | drift | LSL's way | error | bound | beyond it |\n|---|---|---|---|---|---|")
    for (name, link), (drift, truth) in chain.from_iterable(
        ((each, truth) for truth in TRUTHS.items()) for each in LINKS.items()
    ):
        print(f"| {name} | {drift} | {simulated(link, truth)} |")
    if "--hosts" not in sys.argv:
        return
    if reason := why_not():
        sys.exit(reason)
    print(f"\nHosts, {STAMP_FOR_S} s each; in microseconds, p50 / p95\n")
    print("| way | error | bound | beyond it |\n|---|---|---|---|")
    measured()


if __name__ == "__main__":
    main()
