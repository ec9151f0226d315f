"""How things grow: the join with messages, ``label`` with minutes, the hub with subscribers."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import fusion, hub, label
from benchmarks.results import Results

HUB_S = 3.0
MESSAGES = (10**3, 10**4, 10**5, 10**6)


def grow_fusion(results: Results) -> None:
    for messages in MESSAGES:
        found = fusion.live(messages)
        results.note_point("fusion", ("messages", found.messages), ("us a message", found.us))


def grow_label(results: Results, minutes: Sequence[int], fps: float = 8) -> None:
    with label.two_cores(), tempfile.TemporaryDirectory() as folder:
        for length, clip in label.clips(Path(folder), minutes):
            for name, chosen in (("label", None), (f"label, {fps:g} a second", fps)):
                run = label.measure(clip, length, chosen)
                x = ("min of the file", length)
                results.note_point(name, x, ("times real time", run.times_real_time))
                results.note_point(f"{name}: memory", x, ("MB", run.memory_mb))


def grow_hub(results: Results) -> None:
    for count in hub.SUBSCRIBERS:
        x = ("subscribers", count)
        most = hub.measure_pictures(count, HUB_S)
        results.note_point("hub", x, ("pictures/s to each", most.arrived_hz))
        live = hub.measure_pictures(count, HUB_S, hub.LIVE_HZ)
        results.note_point("hub: latency p95 at 30/s", x, ("ms", live.p95_ms))
        small = hub.measure_messages(count, HUB_S)
        results.note_point("hub: small messages", x, ("messages/s to each", small.arrived_hz))
        if lost := most.lost + live.lost + small.lost:
            print(f"hub, {count} subscribers: {lost} messages were lost")
