"""Do the streams flow that a pipeline needs, and at their nominal rates?"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from commands.doctor.finding import Finding
from messaging.observer import StreamRow
from messaging.topics import TOPICS

NEEDED = ("video", "audio", "faces", "speech")
PICTURES = frozenset(("video", "faces"))
"""Their nominal rate is the camera's."""
ALSO = {"video": ("video", "video_jpeg")}
"""Topics that carry the same stream."""
ON_DEMAND = frozenset(("video", "audio"))
"""Streams that are sent only while somebody reads them."""
SENDERS = {
    "video": "camera",
    "audio": "microphone",
    "speech": "microphone",
    "faces": "inference",
}
SLOW = 0.8


def needed(camera: str, microphone: str) -> list[str]:
    """Those of the devices that are wanted."""
    left_out = {
        *(("video", "faces") if camera == "none" else ()),
        *(("audio", "speech") if microphone == "none" else ()),
    }
    return [topic for topic in NEEDED if topic not in left_out]


def judge(
    rows: Sequence[StreamRow], topics: Iterable[str], intervals_ns: Mapping[str, int]
) -> list[Finding]:
    """``intervals_ns`` are the nominal distances of two pictures, by camera."""
    return [finding for topic in topics for finding in _judge(topic, rows, intervals_ns)]


def _judge(topic: str, rows: Sequence[StreamRow], intervals_ns: Mapping[str, int]) -> list[Finding]:
    """A finding for each sender; one where nobody sends."""
    name = f"stream {topic}"
    rates: dict[str, float] = {}
    carriers = [row for row in rows if row.topic in ALSO.get(topic, (topic,))]
    for row in carriers:
        if row.rate_hz:
            rates[row.sender] = max(row.rate_hz, rates.get(row.sender, 0.0))
    living = sorted({row.sender for row in carriers if row.rate_hz is not None})
    if not rates and living and topic in ON_DEMAND and not any(row.readers for row in carriers):
        told = f"nobody reads it, so {', '.join(living)} does not send it"
        return [Finding(name, "fine", told)]
    way_out = f"start one: emofuse node {SENDERS[topic]}; or look with emofuse log why it fails"
    if not rates:
        return [Finding(name, "failure", "nothing flows", way_out)]
    return [
        _judge_rate(name, sender, rate_hz, _nominal_hz(topic, intervals_ns.values()))
        for sender, rate_hz in sorted(rates.items())
    ]


def _judge_rate(name: str, sender: str, rate_hz: float, nominal_hz: float) -> Finding:
    told = f"{rate_hz:.1f}/s from {sender}"
    if rate_hz >= SLOW * nominal_hz:
        return Finding(name, "fine", told)
    return Finding(
        name,
        "warning",
        f"{told}, of {nominal_hz:g}/s",
        "look for the busy or lossy node: emofuse top",
    )


def _nominal_hz(topic: str, intervals_ns: Collection[int]) -> float:
    """Of several cameras the slowest one's: which is whose, a rate does not tell."""
    if topic in PICTURES and intervals_ns:
        return 1e9 / max(intervals_ns)
    return next(row.rate_hz or 0.0 for row in TOPICS if row.name == topic)
