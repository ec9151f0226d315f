"""What every utterance's last word must be, from the definitions alone.

It sees all messages at once, goes through all of them for every utterance, and shares nothing with
the join but the schema.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_high

from messaging.schema import EMOTIONS, Face, FaceEmotions, SpeechEvent, Stamp, UtteranceEmotion


@dataclass(frozen=True)
class Spoken:
    id: str
    source: str
    onset: Stamp
    offset: Stamp
    cameras: frozenset[str]
    bias_ns: int
    whole: bool
    """Whether its end was told."""


def spoken(events: Sequence[SpeechEvent]) -> list[Spoken]:
    """The utterances of one microphone's stream, which is all there will be of it."""
    utterances: list[Spoken] = []
    for at, event in enumerate(events):
        if event.event != "started":
            continue
        before = [e for e in events[:at] if e.event == "opened"]
        cameras = frozenset(before[-1].cameras) if before else frozenset[str]()
        ends = [e for e in events if e.event == "ended" and e.utterance == event.utterance]
        if ends:
            offset = ends[0].stamp
        else:
            breaks = [e for e in events[at + 1 :] if e.event in ("opened", "started", "closed")]
            if not breaks:
                continue  # it is still going on
            last = events.index(breaks[0])
            heard = events[: last + 1] if breaks[0].event == "closed" else events[:last]
            offset = max((e.stamp for e in heard), key=lambda stamp: stamp.pipeline_ns)
        utterances.append(
            Spoken(
                event.utterance,
                event.source,
                event.stamp,
                offset,
                cameras,
                event.bias_ns,
                whole=bool(ends),
            )
        )
    return utterances


def best_face(picture: FaceEmotions) -> Face:
    largest = max(face.box[2] * face.box[3] for face in picture.faces)
    best = [face for face in picture.faces if face.box[2] * face.box[3] == largest]
    return sorted(best, key=lambda face: face.track)[0]


def aggregate(method: str, faces: Sequence[Face]) -> list[float]:
    """Geometric mean, maximum, or share of votes; each sums to 1."""
    columns = [[face.probabilities[i] for face in faces] for i in range(len(EMOTIONS))]
    if method == "mean":
        weights = [math.prod(column) ** (1 / len(column)) for column in columns]
    elif method == "max":
        weights = [max(column) for column in columns]
    else:
        weights = [float(sum(face.label == emotion for face in faces)) for emotion in EMOTIONS]
    return [weight / sum(weights) for weight in weights]


def unseen(faces: Sequence[FaceEmotions], windows: Sequence[tuple[int, int]]) -> int:
    """How many pictures of one camera's only opening are known to have been taken, were not
    analysed, and may lie in a window (first and last instant).

    A picture comes after all with a smaller number, and not before a mark that counts none but
    smaller ones; it comes before the first message that counts it.
    """
    analysed = {message.index for message in faces if message.event == "analysed"}
    found = 0
    for number in range(max((message.index for message in faces), default=0)):
        if number in analysed:
            continue
        earliest = max(
            message.stamp.pipeline_ns + (message.event == "analysed")
            for message in faces
            if message.index <= number
        )
        latest = min(m.stamp.pipeline_ns - 1 for m in faces if m.index > number)
        found += any(max(earliest, first) <= min(latest, last) for first, last in windows)
    return found


def interval_ns(stream: Sequence[FaceEmotions], winner: FaceEmotions) -> int:
    """The nominal one, or the (upper) median of the last eight true ones, where that is longer."""
    shown = [m for m in stream if m.event == "analysed"]
    shown = [m for m in shown if m.stamp.pipeline_ns <= winner.stamp.pipeline_ns]
    steps = [
        (b.stamp.pipeline_ns - a.stamp.pipeline_ns) // (b.index - a.index)
        for a, b in pairwise(shown)
    ][-8:]
    return max([winner.interval_ns, *([median_high(steps)] if steps else [])])


@dataclass(frozen=True)
class Truth:
    """The fields of a result that must be equal, and those that must be so but for rounding."""

    exact: dict[str, object]
    probabilities: list[float]
    confidence: float


def truth(
    utterance: Spoken,
    faces: Sequence[FaceEmotions],
    *,
    reference: str,
    method: str,
    max_gap_ns: int,
) -> Truth:
    onset, offset = utterance.onset.pipeline_ns, utterance.offset.pipeline_ns
    instant = {"onset": onset, "middle": (onset + offset) // 2, "offset": offset}[reference]
    ends = {
        "onset": [utterance.onset],
        "middle": [utterance.onset, utterance.offset],
        "offset": [utterance.offset],
    }[reference]
    competing = [m for m in faces if not utterance.cameras or m.source in utterance.cameras]
    pictures = [message for message in competing if message.event == "analysed"]

    def distance(picture: FaceEmotions) -> int:
        return abs(picture.stamp.pipeline_ns - instant)

    near = [picture for picture in pictures if distance(picture) <= max_gap_ns]
    winners = [picture for picture in near if picture.faces]
    winners.sort(key=lambda picture: picture.source)
    winners.sort(key=lambda picture: picture.stamp.pipeline_ns, reverse=True)
    winners.sort(key=distance)
    winner = winners[0] if winners else None

    span = [p for p in pictures if onset <= p.stamp.pipeline_ns < offset]
    shown = [best_face(picture) for picture in span if picture.faces]
    used = method if shown else "nearest"
    if used != "nearest":
        probabilities = aggregate(used, shown)
    else:
        probabilities = list(best_face(winner).probabilities) if winner else []
    sure = shown or ([best_face(winner)] if winner else [])
    confidence = sum(max(face.probabilities) for face in sure) / len(sure) if sure else 0.0

    reach = distance(winner) if winner else max_gap_ns
    windows = [(onset, offset), (instant - reach, instant + reach)]
    streams = [[m for m in competing if m.source == name] for name in {m.source for m in competing}]

    bound = None
    stream = [m for m in competing if winner and m.source == winner.source]
    interval = interval_ns(stream, winner) if winner else 0
    if winner and utterance.whole and interval:
        bounds = [end.bound_ns for end in ends] + [winner.stamp.bound_ns]
        if None not in bounds:
            known = [b for b in bounds if b is not None]
            bound = max(known[:-1]) + known[-1] + interval // 2 + utterance.bias_ns

    return Truth(
        exact={
            "id": utterance.id,
            "source": utterance.source,
            "onset": utterance.onset,
            "offset": utterance.offset,
            "status": "matched" if probabilities else "no_face" if near else "gap_exceeded",
            "reference": reference,
            "method": used,
            "camera": winner.source if winner else "",
            "picture": winner.stamp if winner else None,
            "dt_ns": winner.stamp.pipeline_ns - instant if winner else None,
            "track": best_face(winner).track if winner else None,
            "pictures": len(span),
            "faces": len(shown),
            "coverage": len(shown) / len(span) if span else 0.0,
            "alignment_bound_ns": bound,
            "settled": utterance.whole,
            "final": True,
            "detector": winner.detector if winner else "",
            "classifier": winner.classifier if winner else "",
            "missing": sum(unseen(stream, windows) for stream in streams),
        },
        probabilities=probabilities,
        confidence=confidence,
    )


def contradiction(result: UtteranceEmotion, expected: Truth) -> str:
    """What a result says against the truth; empty: nothing."""
    for name, value in expected.exact.items():
        if getattr(result, name) != value:
            return f"{name} is {getattr(result, name)!r} instead of {value!r}"
    if not math.isclose(result.confidence, expected.confidence, abs_tol=1e-12):
        return f"confidence is {result.confidence} instead of {expected.confidence}"
    if not expected.probabilities:
        return "a label out of nothing" if result.probabilities or result.label else ""
    if result.probabilities is None or result.label is None:
        return "no label"
    pairs = zip(result.probabilities, expected.probabilities, strict=True)
    if not all(math.isclose(p, q, rel_tol=1e-9, abs_tol=1e-12) for p, q in pairs):
        return f"probabilities are {result.probabilities} instead of {expected.probabilities}"
    own = result.probabilities[EMOTIONS.index(result.label)]
    if own != max(result.probabilities):
        return f"label is {result.label}"
    return ""
