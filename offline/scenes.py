"""What is to be seen at each picture's time: its faces, and what the voices carry. Pure."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from display.meters import Rate
from display.scene import CameraScene, Scene, VoiceScene
from messaging.schema import FaceEmotions, UtteranceEmotion
from offline.intervals import stands_until
from offline.recording import Recording, Shot

LOOK_AHEAD_NS = 5_000_000_000
"""A camera's results are looked for so far beyond the time in question, and no farther: where it
has none any more, the others' must not pile up."""


class Results:
    """Which result stands at a time, for times that do not decrease within a camera."""

    def __init__(self, recording: Recording) -> None:
        results = (each for each in recording.results() if isinstance(each, FaceEmotions))
        self._to_come: Iterator[FaceEmotions] = results
        self._recording = recording
        self._read_ns = -1
        self._next: dict[str, deque[FaceEmotions]] = {}
        self._now: dict[str, FaceEmotions] = {}

    def at(self, source: str, at_ns: int) -> FaceEmotions | None:
        """The result of this very picture, else of the last one, where that still stands."""
        waiting = self._next.setdefault(source, deque())
        while not waiting or self._time(waiting[-1]) <= at_ns:
            if self._read_ns > at_ns + LOOK_AHEAD_NS or not self._read():
                break
        while waiting and self._time(waiting[0]) <= at_ns:
            self._now[source] = waiting.popleft()
        result = self._now.get(source)
        if result is None or result.event != "analysed":
            return None
        next_ns = self._time(waiting[0]) if waiting else at_ns + 1
        end_ns = stands_until(self._time(result), next_ns, result.interval_ns)
        return result if at_ns < end_ns else None

    def _read(self) -> bool:
        result = next(self._to_come, None)
        if result is None:
            return False
        self._next.setdefault(result.source, deque()).append(result)
        self._read_ns = max(self._read_ns, self._time(result))
        return True

    def _time(self, result: FaceEmotions) -> int:
        return result.stamp.pipeline_ns - self._recording.zero_ns


class Voice:
    """One microphone's utterances, by time."""

    def __init__(self, name: str, utterances: list[UtteranceEmotion], zero_ns: int) -> None:
        self._name = name
        self._utterances = sorted(utterances, key=lambda each: each.onset.pipeline_ns)
        self._onsets_ns = [each.onset.pipeline_ns - zero_ns for each in self._utterances]
        self._zero_ns = zero_ns
        self.level_dbfs = -120.0
        """Of the sound that was heard last."""

    def scene(self, at_ns: int) -> VoiceScene:
        """An utterance is shown with its final label from its onset on."""
        place = bisect_right(self._onsets_ns, at_ns)
        if not place:
            return VoiceScene(self._name, self.level_dbfs)
        utterance, onset_ns = self._utterances[place - 1], self._onsets_ns[place - 1]
        end_ns = utterance.offset.pipeline_ns - self._zero_ns if utterance.offset else onset_ns
        speaks = at_ns < end_ns
        return VoiceScene(
            self._name,
            self.level_dbfs,
            speech=float(speaks),
            spoken_s=(at_ns - onset_ns) / 1e9 if speaks else None,
            utterance=utterance,
            age_s=None if speaks else (at_ns - end_ns) / 1e9,
        )


class Stage:
    """Takes pictures and levels by time, gives out scenes.

    Of several cameras each shows one new picture in a scene at most, and every picture is in one:
    there are about as many scenes as the fastest camera has pictures.
    """

    def __init__(self, recording: Recording) -> None:
        self._results = Results(recording)
        self._cameras = {
            name: CameraScene(name, note="no picture yet") for name in recording.cameras
        }
        self._rates: dict[str, Rate] = {}
        said: dict[str, list[UtteranceEmotion]] = {name: [] for name in recording.microphones}
        for result in recording.results():
            if isinstance(result, UtteranceEmotion):
                said.setdefault(result.source, []).append(result)
        self._voices = {
            name: Voice(name, utterances, recording.zero_ns)
            for name, utterances in sorted(said.items())
        }
        self._fresh: set[str] = set()
        """Cameras whose picture is in no scene yet."""
        self._at_ns = 0

    def hear(self, microphone: str, level_dbfs: float) -> None:
        self._voices[microphone].level_dbfs = level_dbfs

    def show(self, shot: Shot) -> Iterator[tuple[int, Scene]]:
        """The scene that is complete by this, with its time."""
        if shot.source in self._fresh:
            yield from self.finish()
        self._fresh.add(shot.source)
        self._at_ns = shot.at_ns
        self._cameras[shot.source] = self._camera(shot)

    def finish(self) -> Iterator[tuple[int, Scene]]:
        """The last one."""
        if self._fresh:
            voices = tuple(voice.scene(self._at_ns) for voice in self._voices.values())
            yield self._at_ns, Scene(tuple(self._cameras.values()), voices)
        self._fresh.clear()

    def _camera(self, shot: Shot) -> CameraScene:
        rate = self._rates.setdefault(shot.source, Rate())
        if shot.pixels is None:
            former = self._cameras.get(shot.source, CameraScene(shot.source))
            return replace(former, faces=(), note=shot.note, is_warning=True, rate_hz=0.0)
        height, width = shot.pixels.shape[:2]
        result = self._results.at(shot.source, shot.at_ns)
        if result is not None:
            rate.note(result.stamp.pipeline_ns)
        note = "not analysed" if result is None else "" if result.faces else "no face"
        return CameraScene(
            shot.source,
            shot.pixels,
            width,
            height,
            result.faces if result else (),
            note=note,
            rate_hz=rate.hz(result.stamp.pipeline_ns) if result else 0.0,
        )
