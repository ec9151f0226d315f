"""What a plot shows of a recording, as arrays. Times are seconds from its start. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from messaging.schema import EMOTIONS, FaceEmotions, Marker, UtteranceEmotion
from offline.recording import Recording
from offline.standing import Standing, Stood

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Track:
    """One face, picture by picture. Row ``i`` holds from ``start_s[i]`` until ``end_s[i]``."""

    number: int
    start_s: Numbers
    end_s: Numbers
    probabilities: Numbers
    """``(n, 7)``, in the order of ``EMOTIONS``."""

    @property
    def seen_s(self) -> float:
        return float((self.end_s - self.start_s).sum())


@dataclass(frozen=True, slots=True)
class Lane:
    """Faces of one camera that are not there at the same time: they share a panel."""

    camera: str
    tracks: tuple[Track, ...]

    @property
    def seen_s(self) -> float:
        return sum(track.seen_s for track in self.tracks)


@dataclass(frozen=True, slots=True)
class Gap:
    """A camera's pictures are missing here, or nobody looked at them."""

    camera: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Series:
    duration_s: float
    lanes: tuple[Lane, ...]
    """By camera; within one, the lane in which faces were seen longest comes first."""
    gaps: tuple[Gap, ...]
    utterances: dict[str, tuple[UtteranceEmotion, ...]]
    """By microphone."""
    markers: tuple[Marker, ...]
    pictures: int
    """Analysed."""
    with_face: int
    zero_ns: int

    def seconds(self, pipeline_ns: int) -> float:
        return max(0, pipeline_ns - self.zero_ns) / 1e9

    def share_of_faces(self) -> Numbers:
        """How much of the time that faces are seen each label has; zeros without a face."""
        time_s = np.zeros(len(EMOTIONS))
        for lane in self.lanes:
            for track in lane.tracks:
                labels = track.probabilities.argmax(axis=1)
                time_s += np.bincount(labels, track.end_s - track.start_s, len(EMOTIONS))
        return time_s / max(time_s.sum(), 1e-9)

    def share_of_utterances(self) -> tuple[Numbers, int]:
        """How many of the labelled utterances have each label, and how many there are."""
        labels = [
            EMOTIONS.index(each.label)
            for tier in self.utterances.values()
            for each in tier
            if each.label is not None
        ]
        counts = np.bincount(np.array(labels, np.intp), minlength=len(EMOTIONS))
        return counts / max(len(labels), 1), len(labels)


@dataclass(slots=True)
class _Seen:
    """A track while it is read; numbers, not messages, since there may be a million."""

    start_ns: list[int] = field(default_factory=list[int])
    end_ns: list[int] = field(default_factory=list[int])
    probabilities: list[float] = field(default_factory=list[float])

    def track(self, number: int, zero_ns: int) -> Track:
        start_s, end_s = (
            np.maximum(np.array(times, np.float64) - zero_ns, 0) / 1e9
            for times in (self.start_ns, self.end_ns)
        )
        rows = np.array(self.probabilities, np.float64).reshape(-1, len(EMOTIONS))
        return Track(number, start_s, end_s, rows)


@dataclass(slots=True)
class _Camera:
    standing: Standing = field(default_factory=Standing)
    tracks: dict[int, _Seen] = field(default_factory=dict[int, _Seen])

    def note(self, stood: Iterable[Stood]) -> None:
        for shown, end_ns in stood:
            for face in shown.faces:
                seen = self.tracks.setdefault(face.track, _Seen())
                seen.start_ns.append(shown.stamp.pipeline_ns)
                seen.end_ns.append(end_ns)
                seen.probabilities.extend(face.probabilities)


def series_of(recording: Recording) -> Series:
    cameras: dict[str, _Camera] = {}
    utterances: dict[str, dict[str, UtteranceEmotion]] = {
        name: {} for name in recording.microphones
    }
    markers: list[Marker] = []
    pictures = with_face = 0
    for result in recording.results():
        if isinstance(result, FaceEmotions):
            camera = cameras.setdefault(result.source, _Camera())
            camera.note(camera.standing.take(result))
            pictures += result.event == "analysed"
            with_face += bool(result.faces)
        elif isinstance(result, UtteranceEmotion):
            utterances.setdefault(result.source, {})[result.id] = result
        else:
            markers.append(result)
    zero_ns = recording.zero_ns
    lanes: list[Lane] = []
    gaps: list[Gap] = []
    for name, camera in sorted(cameras.items()):
        camera.note(camera.standing.close())
        tracks = [seen.track(number, zero_ns) for number, seen in camera.tracks.items()]
        lanes += in_lanes(name, tracks)
        for start_ns, end_ns in camera.standing.gaps_ns:
            start_s, end_s = (max(0, at_ns - zero_ns) / 1e9 for at_ns in (start_ns, end_ns))
            if start_s < end_s:
                gaps.append(Gap(name, start_s, end_s))
    ends = [recording.duration_ns / 1e9, *(t.end_s[-1] for e in lanes for t in e.tracks)]
    return Series(
        duration_s=float(max(ends)),
        lanes=tuple(lanes),
        gaps=tuple(gaps),
        utterances={
            name: tuple(sorted(said.values(), key=lambda each: each.onset.pipeline_ns))
            for name, said in sorted(utterances.items())
        },
        markers=tuple(sorted(markers, key=lambda marker: marker.stamp.pipeline_ns)),
        pictures=pictures,
        with_face=with_face,
        zero_ns=zero_ns,
    )


def in_lanes(camera: str, tracks: Iterable[Track]) -> list[Lane]:
    """As few lanes as there are faces at once; a track goes where there is room, as it begins."""
    lanes: list[list[Track]] = []
    for track in sorted(tracks, key=lambda each: (each.start_s[0], each.number)):
        free = [lane for lane in lanes if lane[-1].end_s[-1] <= track.start_s[0]]
        if free:
            free[0].append(track)
        else:
            lanes.append([track])
    found = [Lane(camera, tuple(lane)) for lane in lanes]
    return sorted(found, key=lambda lane: -lane.seen_s)


def running_mean(track: Track, at_s: Numbers, window_s: float) -> Numbers:
    """``(len(at_s), 7)``: the mean over a window around each instant, weighted by the time that
    pictures stand; NaN where none does. A gap adds nothing to any mean.
    """
    edges_s = np.ravel(np.column_stack([track.start_s, track.end_s]))
    stands_s = track.end_s - track.start_s
    steps = np.zeros((len(edges_s), len(EMOTIONS) + 1))
    steps[1::2, 0] = stands_s
    steps[1::2, 1:] = track.probabilities * stands_s[:, np.newaxis]
    sums = steps.cumsum(axis=0)

    columns = range(sums.shape[1])

    def until(instants_s: Numbers) -> Numbers:
        return np.column_stack([np.interp(instants_s, edges_s, sums[:, c]) for c in columns])

    total = until(at_s + window_s / 2) - until(at_s - window_s / 2)
    place = np.searchsorted(track.start_s, at_s, side="right") - 1
    is_seen = (place >= 0) & (at_s < track.end_s[place])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total[:, 1:] / total[:, :1]
    mean[~is_seen] = np.nan
    return mean
