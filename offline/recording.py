"""A recording as the exports and the plot read it, be it a media file or a session."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from capture.media_path import printable
from capture.resample import Sound
from capture.sound_line import Converter
from display.scene import Picture
from messaging.schema import FaceEmotions, Marker, UtteranceEmotion
from offline.output import named

Result = FaceEmotions | UtteranceEmotion | Marker


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of a camera, or (without ``pixels``) word that there is none any more."""

    at_ns: int
    """Since the recording's time 0, as all times in this folder."""
    source: str
    pixels: Picture | None
    note: str = ""
    """Why there is no picture."""


Convert = Callable[[int, int], Converter]
"""Makes a converter for sound of so many samples per second and channels."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything is read anew at each call, as a stream: a recording may be hours long."""

    path: Path
    """The media file or the session's folder."""
    zero_ns: int
    """The pipeline's time of the recording's time 0."""
    duration_ns: int
    media: Path | None
    """The file that holds its pictures and sound, where it is one."""
    cameras: tuple[str, ...]
    microphones: tuple[str, ...]
    """Those whose pictures and sound are there."""
    results: Callable[[], Iterator[Result]]
    """By stamp within each source; utterances are final."""
    shots: Callable[[], Iterator[Shot]]
    """By time, of all cameras."""
    sound: Callable[[str, Convert], Iterator[Sound]]
    """One microphone's, from time 0 on; silence stands where there is none."""
    notes: tuple[str, ...] = ()
    """What is wrong with it, a sentence each."""

    @property
    def name(self) -> str:
        """The file's or folder's own, in one line of text that can be encoded."""
        return printable(Path(named(self.path).name))

    def since_zero(self, pipeline_ns: int) -> int:
        """The recording's own time; what came before it is at 0."""
        return max(0, pipeline_ns - self.zero_ns)
