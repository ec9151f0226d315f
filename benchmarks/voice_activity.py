"""Voice activity's boundaries against the truth, on acted emotional speech in noise.

    python -m benchmarks.voice_activity PATH/TO/ravdess --actors 10-18

Reads RAVDESS (speech part) as ``Actor_NN/*.flac`` or ``*.wav`` at 16 kHz. The clips of an actor,
all at one level, follow each other in one sound with pauses, to which noise is added: white, or the
babble of eight other clips at once. The truth comes from the clean clips (see ``truth``). The
constants of ``capture/edges.py`` were fitted on actors 1 to 9; report on others.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from capture.resample import SAMPLE_RATE, to_int16
from capture.voice_activity import FRAME, Ended, VoiceActivity
from config.settings import VoiceActivitySettings

Floats = NDArray[np.float64]
Span = tuple[int, int]

SPEECH_DBFS = -30.0
MILLISECOND = SAMPLE_RATE // 1000
TALKERS = 8
NEAR_MS = 50.0
NOISES = ("white", "babble")
CONDITIONS = ("clean", *(f"{noise} {snr} dB" for noise in NOISES for snr in (20, 10, 0)))
OTHER_SPEECH = ("babble 10 dB", "babble 0 dB")
"""Here voice activity rightly hears the others speak in the pauses: counted, not in the total."""


@dataclass(frozen=True)
class Truth:
    """Voiced sound tells speech from breath and clicks; the full band tells where it ends."""

    voiced_below_db: float = 30.0
    """80 to 700 Hz, 20 ms: voiced where less than this below its peak for 60 ms."""
    sound_below_db: float = 40.0
    """5 ms: sound that is less than this below its peak, and joins the voiced sound, is speech."""
    reach_ms: int = 150
    """Consonants and decay reach no farther from the voiced sound."""

    def span(self, clip: Floats) -> Span:
        """The first sample of the speech, and the first one after it."""
        voiced = level_db(band(clip, 80, 700), 20 * MILLISECOND)
        starts, ends = runs(voiced > voiced.max() - self.voiced_below_db, 30 * MILLISECOND)
        long = ends - starts >= 60 * MILLISECOND
        first, last = int(starts[long][0]), int(ends[long][-1])
        level = level_db(clip, 5 * MILLISECOND)
        starts, ends = runs(level > level.max() - self.sound_below_db, 20 * MILLISECOND)
        onset = starts[ends > first][0]
        offset = ends[starts < last][-1]
        reach = self.reach_ms * MILLISECOND
        return max(int(onset), first - reach), min(int(offset), last + reach)


TRUTH = Truth()
VARIANTS = {
    "as defined": TRUTH,
    "sound to -35 dB": Truth(sound_below_db=35),
    "sound to -45 dB": Truth(sound_below_db=45),
    "voiced to -25 dB": Truth(voiced_below_db=25),
    "voiced to -35 dB": Truth(voiced_below_db=35),
    "reach 100 ms": Truth(reach_ms=100),
    "reach 200 ms": Truth(reach_ms=200),
}


def band(sound: Floats, low: float, high: float) -> Floats:
    """Band-pass without delay; edges of a sixth of an octave."""
    spectrum = np.fft.rfft(sound)
    with np.errstate(divide="ignore"):
        octave = np.log2(np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE))
    inside = np.minimum(octave - np.log2(low), np.log2(high) - octave)
    return np.fft.irfft(spectrum * np.clip(0.5 + 6 * inside, 0, 1), len(sound))


def level_db(sound: Floats, window: int) -> Floats:
    """Mean power around every sample, in dB."""
    total = np.concatenate([[0.0], np.cumsum(np.square(sound))])
    at = np.arange(len(sound))
    begin, end = np.maximum(at - window // 2, 0), np.minimum(at + window // 2, len(sound))
    return 10 * np.log10((total[end] - total[begin]) / (end - begin) + 1e-12)


def runs(on: NDArray[np.bool_], bridge: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Begins and ends of what is on; holes of up to ``bridge`` samples are filled."""
    at = np.flatnonzero(on)
    holes = np.flatnonzero(np.diff(at) > bridge)
    return np.concatenate([at[:1], at[holes + 1]]), np.concatenate([at[holes], at[-1:]]) + 1


def read(path: Path) -> Floats:
    read_file = cast("Callable[..., tuple[Floats, int]]", soundfile.read)
    samples, rate = read_file(path, dtype="float64")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise SystemExit(f"{path}: {rate} Hz, {samples.ndim} dimensions; 16 kHz mono is expected")
    return samples


def power(sound: Floats) -> float:
    return float(np.square(sound).mean())


@dataclass(frozen=True)
class Scene:
    """The clips of an actor, one after the other."""

    sound: Floats
    spans: Mapping[str, Sequence[Span]]
    """By variant of the truth."""


def scene(paths: Sequence[Path], rng: np.random.Generator) -> Scene:
    parts: list[Floats] = []
    spans: dict[str, list[Span]] = defaultdict(list)
    length = 0
    for path in paths:
        clip = read(path)
        onset, offset = TRUTH.span(clip)
        clip *= 10 ** (SPEECH_DBFS / 20) / np.sqrt(power(clip[onset:offset]))
        for name, truth in VARIANTS.items():
            begin, end = truth.span(clip)
            spans[name].append((length + begin, length + end))
        parts += [clip, np.zeros(rng.integers(SAMPLE_RATE // 4, SAMPLE_RATE))]
        length += len(clip) + len(parts[-1])
    return Scene(np.concatenate(parts), spans)


def babble(folders: Sequence[Path], length: int, rng: np.random.Generator) -> Floats:
    """Eight talkers without pauses, at unit power."""
    voices: list[Floats] = []
    for talker in range(TALKERS):
        paths = clips(folders[talker % len(folders)])
        voice: list[Floats] = []
        while sum(map(len, voice)) < length:
            clip = read(paths[rng.integers(len(paths))])
            onset, offset = TRUTH.span(clip)
            voice.append(clip[onset:offset] / np.sqrt(power(clip[onset:offset])))
        voices.append(np.concatenate(voice)[:length])
    mixed = np.sum(voices, axis=0)
    return mixed / np.sqrt(power(mixed))


def clips(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".flac", ".wav"))


def noisy(folders: Sequence[Path], per_actor: int) -> Iterator[tuple[str, Scene, Floats]]:
    """Every actor's scene in every condition."""
    for folder in folders:
        rng = np.random.default_rng(int(folder.name[-2:]))
        paths = clips(folder)
        chosen = sorted(rng.permutation(len(paths))[:per_actor].tolist())
        quiet = scene([paths[int(i)] for i in chosen], rng)
        others = [other for other in folders if other != folder]
        noises = {
            "white": rng.standard_normal(len(quiet.sound)),
            "babble": babble(others, len(quiet.sound), rng),
        }
        yield CONDITIONS[0], quiet, quiet.sound
        for condition in CONDITIONS[1:]:
            kind, snr, _ = condition.split()
            gain = 10 ** ((SPEECH_DBFS - float(snr)) / 20)
            yield condition, quiet, quiet.sound + gain * noises[kind]


def detect(sound: Floats, settings: VoiceActivitySettings) -> tuple[list[Span], list[Span]]:
    """Utterances as the pipeline finds them, and as plain decisions on 32 ms frames would."""
    activity = VoiceActivity(settings)
    frames = [*activity.feed(to_int16(sound)), activity.flush()]
    ended = [event for frame in frames for event in frame.events if isinstance(event, Ended)]
    return [(event.onset, event.offset) for event in ended], plain([f.speech for f in frames])


def plain(speech: Sequence[float], start: float = 0.5, stop: float = 0.35) -> list[Span]:
    """Silero as it is mostly used: its defaults, edges at the frames' borders; at least 100 ms of
    speech, pauses of 500 ms.
    """
    found: list[Span] = []
    onset = offset = None
    for frame, probability in enumerate([*speech, *[0.0] * 32]):
        if probability >= start:
            onset, offset = (frame if onset is None else onset), None
        elif onset is not None and probability < stop:
            offset = frame if offset is None else offset
            if frame - offset >= 15:
                found += [(onset * FRAME, offset * FRAME)] * (offset - onset > 3)
                onset = offset = None
    return found


@dataclass
class Score:
    onsets: list[float] = field(default_factory=list[float])
    """Errors in ms; positive: late."""
    offsets: list[float] = field(default_factory=list[float])
    utterances: int = 0
    missed: int = 0
    false: int = 0
    split: int = 0
    merged: int = 0

    def add(self, found: Sequence[Span], truth: Sequence[Span]) -> None:
        """An utterance that is split begins with its first part and ends with its last."""
        taken = set[int]()
        for onset, offset in truth:
            self.utterances += 1
            parts = [i for i, (a, b) in enumerate(found) if a < offset and b > onset]
            if not parts:
                self.missed += 1
                continue
            self.split += len(parts) - 1
            self.merged += parts[0] in taken
            taken.update(parts)
            self.onsets.append((found[parts[0]][0] - onset) / MILLISECOND)
            self.offsets.append((found[parts[-1]][1] - offset) / MILLISECOND)
        self.false += len(found) - len(taken)


def figures(errors: Sequence[float]) -> str:
    """Median of the error, 95th percentile of its size, share of those within 50 ms."""
    size = np.abs(errors)
    near = np.mean(size <= NEAR_MS)
    return f"{np.median(errors):+.0f} / {np.quantile(size, 0.95):.0f} / {near:.0%}"


@dataclass
class Pair:
    plain: Score = field(default_factory=Score)
    ours: Score = field(default_factory=Score)

    def add(self, plain: Sequence[Span], ours: Sequence[Span], truth: Sequence[Span]) -> None:
        self.plain.add(plain, truth)
        self.ours.add(ours, truth)

    def row(self, name: str) -> str:
        both = (self.plain, self.ours)
        cells = [name, str(self.ours.utterances)]
        cells += [figures(score.onsets) for score in both]
        cells += [figures(score.offsets) for score in both]
        for count in ("missed", "false", "split", "merged"):
            cells.append(" / ".join(str(getattr(score, count)) for score in both))
        return f"| {' | '.join(cells)} |"


def measure(folders: Sequence[Path], per_actor: int) -> tuple[dict[str, Pair], dict[str, Pair]]:
    """By condition; and by variant of the truth, without the conditions of other speech."""
    by_condition: dict[str, Pair] = defaultdict(Pair)
    by_truth: dict[str, Pair] = defaultdict(Pair)
    settings = VoiceActivitySettings()
    for condition, quiet, sound in noisy(folders, per_actor):
        ours, frames = detect(sound, settings)
        by_condition[condition].add(frames, ours, quiet.spans["as defined"])
        if condition not in OTHER_SPEECH:
            for name in VARIANTS:
                by_truth[name].add(frames, ours, quiet.spans[name])
    return by_condition, by_truth


def report(by_condition: Mapping[str, Pair], by_truth: Mapping[str, Pair]) -> Iterator[str]:
    yield "Errors in ms, positive is late: median / 95th percentile of the size / within 50 ms."
    yield "Counts: plain / ours."
    for title, rows in (
        ("condition", {**by_condition, "**all but other speech**": by_truth["as defined"]}),
        ("truth, all but other speech", by_truth),
    ):
        yield ""
        yield (
            f"| {title} | utterances | onset, plain | onset, ours | offset, plain | offset, ours "
            "| missed | false | split | merged |"
        )
        yield f"|---{'|---' * 9}|"
        for name, pair in rows.items():
            yield pair.row(name)


def folders_of(root: Path, actors: str) -> list[Path]:
    first, last = (int(number) for number in actors.split("-"))
    found = [root / f"Actor_{actor:02}" for actor in range(first, last + 1)]
    for folder in found:
        if not folder.is_dir():
            raise SystemExit(f"no folder {folder}")
    if len(found) < 2:
        raise SystemExit(f"--actors {actors}: babble takes two actors or more")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("ravdess", type=Path)
    parser.add_argument("--actors", default="10-18", help="first-last")
    parser.add_argument("--clips", type=int, default=20, help="of each actor")
    arguments = parser.parse_args()
    folders = folders_of(arguments.ravdess, arguments.actors)
    print(*report(*measure(folders, arguments.clips)), sep="\n")


if __name__ == "__main__":
    main()
