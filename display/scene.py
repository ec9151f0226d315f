"""What is to be painted, as plain values: ``view`` makes it, window and terminal show it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messaging.observer import NodeRow
from messaging.schema import Face, Stamp, UtteranceEmotion

Picture = NDArray[np.uint8]
"""``height x width x 3``, BGR."""


@dataclass(frozen=True, slots=True)
class CameraScene:
    """One camera's picture and the faces that were found in this very picture."""

    source: str
    picture: Picture | None = None
    """``None`` where no pictures are read, or none came yet."""
    width: int = 0
    height: int = 0
    """Of the picture that the boxes of the faces refer to."""
    faces: tuple[Face, ...] = ()
    note: str = ""
    """Why there is no face to see."""
    is_warning: bool = False
    """Whether the note tells of something that is wrong."""
    rate_hz: float = 0.0
    """Pictures analysed per second; without inference, pictures received per second."""
    latency_ms: float | None = None
    """From capture to the result's arrival here, the median of the last ones; live sources only."""
    inference_ms: float | None = None
    """The part of it that inference took."""


@dataclass(frozen=True, slots=True)
class VoiceScene:
    """One microphone: what is heard, and the emotion of the latest utterance."""

    source: str
    level_dbfs: float = -120.0
    speech: float = 0.0
    """Probability that the sound is speech."""
    note: str = ""
    spoken_s: float | None = None
    """For how long the current utterance has been going on; ``None`` when nobody speaks."""
    utterance: UtteranceEmotion | None = None
    """The latest one's result, provisional while ``final`` is false."""
    age_s: float | None = None
    """Time since that utterance's offset; ``None`` while it goes on, in a film also where its final
    result is known already."""


@dataclass(frozen=True, slots=True)
class SessionScene:
    """What is recorded, played and marked."""

    recorded_s: float | None = None
    """For how long the recorder has been recording; ``None`` where none does."""
    recorder_silent_s: float | None = None
    """Since its last word, where the next one is overdue: nobody knows whether it records."""
    played: float | None = None
    """How much of a session or file is played, 0 to 1; of several, of the one with most to come."""
    is_paused: bool = False
    has_player: bool = False
    """Whether what is played can be paused."""
    marker: str = ""
    """The latest one's text, for a short while."""


@dataclass(frozen=True, slots=True)
class Scene:
    cameras: tuple[CameraScene, ...] = ()
    voices: tuple[VoiceScene, ...] = ()
    nodes: tuple[NodeRow, ...] = ()
    utterances: tuple[UtteranceEmotion, ...] = ()
    """Oldest first."""
    dropped: int = 0
    """Pictures overtaken at the nodes that analyse them."""
    lost: int = 0
    """Messages that never reached a node, of all nodes but this display."""
    origin_ns: int = 0
    """The pipeline's time from which the times of live streams are shown."""
    session: SessionScene = SessionScene()
    help: tuple[tuple[str, str], ...] = ()
    """Keys and what they do, where somebody asked for that."""

    def seconds(self, stamp: Stamp) -> float:
        """A stamp as people read it: time in the file, or since ``origin_ns`` when live."""
        is_file = stamp.clock.startswith("media:")
        return (stamp.captured_ns if is_file else stamp.pipeline_ns - self.origin_ns) / 1e9

    @property
    def losses(self) -> list[str]:
        """What did not get through, in words; empty where all did."""
        counted = (self.dropped, "picture", "dropped"), (self.lost, "message", "lost")
        return [
            f"{count} {what}{'' if count == 1 else 's'} {fate}"
            for count, what, fate in counted
            if count
        ]
