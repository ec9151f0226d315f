"""What every annotation format says: labelled utterances, faces' emotions and markers. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from messaging.schema import FaceEmotions, Marker, UtteranceEmotion
from offline.intervals import Interval, Span, merged, separate, whole_ms
from offline.recording import Recording
from offline.standing import Standing, Stood

NO_LABEL = {
    "no_face": "(no face)",
    "gap_exceeded": "(no picture)",
    "late": "(too late)",
    "pending": "(not labelled)",
}
"""What stands in place of a label, by the result's status."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance in whole milliseconds; none overlaps another one of its microphone."""

    start_ms: int
    end_ms: int
    result: UtteranceEmotion

    @property
    def label(self) -> str:
        return self.result.label or NO_LABEL[self.result.status]

    @property
    def caption(self) -> str:
        """The label with its probability, or why there is none."""
        probabilities = self.result.probabilities
        if self.result.label is None or probabilities is None:
            return self.label
        return f"{self.label} {max(probabilities):.0%}"


@dataclass(frozen=True, slots=True)
class Note:
    """A marker."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Annotations:
    end_ms: int
    """At least 1: every format wants a time line that has a length."""
    utterances: dict[str, tuple[Spoken, ...]]
    """By microphone."""
    faces: dict[tuple[str, int], tuple[Interval, ...]]
    """By camera and track; of equal label from picture to picture."""
    notes: tuple[Note, ...]

    def intervals(self) -> dict[str, tuple[Interval, ...]]:
        """Named tiers for the formats that have such; that of the utterances is always there."""
        voices = {
            f"utterances {one_line(source)}": tuple(
                Interval(spoken.start_ms, spoken.end_ms, spoken.label) for spoken in tier
            )
            for source, tier in self.utterances.items()
        }
        faces = {
            f"face {one_line(camera)} #{track}": tier
            for (camera, track), tier in self.faces.items()
        }
        return (voices or {"utterances": ()}) | faces


def one_line(text: str) -> str:
    """Without line ends and control characters, which no format can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@dataclass(slots=True)
class _Camera:
    """What each track showed, as spans of equal label."""

    standing: Standing = field(default_factory=Standing)
    tracks: dict[int, list[Span]] = field(default_factory=dict[int, list[Span]])

    def note(self, stood: Iterable[Stood]) -> None:
        for shown, end_ns in stood:
            for face in shown.faces:
                spans = self.tracks.setdefault(face.track, [])
                span = Span(shown.stamp.pipeline_ns, end_ns, face.label)
                spans[-1:] = merged([*spans[-1:], span])


def annotations_of(recording: Recording) -> Annotations:
    """One pass over the results; what is kept grows with the changes of label, not with time."""
    cameras: dict[str, _Camera] = {}
    utterances: dict[tuple[str, str], UtteranceEmotion] = {}
    markers: list[Marker] = []
    for result in recording.results():
        if isinstance(result, FaceEmotions):
            camera = cameras.setdefault(result.source, _Camera())
            camera.note(camera.standing.take(result))
        elif isinstance(result, UtteranceEmotion):
            utterances[result.source, result.id] = result
        else:
            markers.append(result)
    faces: dict[tuple[str, int], tuple[Interval, ...]] = {}
    for source, camera in sorted(cameras.items()):
        camera.note(camera.standing.close())
        for track, spans in sorted(camera.tracks.items()):
            faces[source, track] = separate(_from_zero(recording, spans))
    spoken = _spoken(recording, utterances.values())
    notes = _notes(recording, markers)
    ends = [whole_ms(recording.duration_ns), 1]
    ends += [tier[-1].end_ms for tier in (*spoken.values(), *faces.values()) if tier]
    ends += [note.at_ms + 1 for note in notes]  # a point lies within the time line
    return Annotations(max(ends), spoken, faces, notes)


def _notes(recording: Recording, markers: Iterable[Marker]) -> tuple[Note, ...]:
    """Of one millisecond they are said together: formats take one point at an instant."""
    texts: dict[int, list[str]] = {}
    for marker in sorted(markers, key=lambda marker: marker.stamp.pipeline_ns):
        at_ms = whole_ms(recording.since_zero(marker.stamp.pipeline_ns))
        texts.setdefault(at_ms, []).append(one_line(marker.text))
    return tuple(Note(at_ms, "; ".join(said)) for at_ms, said in texts.items())


def _spoken(
    recording: Recording, results: Iterable[UtteranceEmotion]
) -> dict[str, tuple[Spoken, ...]]:
    by_microphone: dict[str, list[UtteranceEmotion]] = {}
    for result in results:
        if result.offset is not None:
            by_microphone.setdefault(result.source, []).append(result)
    tiers: dict[str, tuple[Spoken, ...]] = {}
    for source, utterances in sorted(by_microphone.items()):
        named = {result.id: result for result in utterances}
        spans = [
            Span(result.onset.pipeline_ns, result.offset.pipeline_ns, result.id)
            for result in utterances
            if result.offset is not None
        ]
        tiers[source] = tuple(
            Spoken(interval.start_ms, interval.end_ms, named[interval.label])
            for interval in separate(_from_zero(recording, spans))
        )
    return tiers


def _from_zero(recording: Recording, spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        start_ns, end_ns = map(recording.since_zero, (span.start_ns, span.end_ns))
        yield Span(start_ns, end_ns, span.label)
