"""The demo session: a drawn portrait that speaks, and the truth about what it plays.

``python -m capture.demo.make_clip`` made both files; nothing here needs what that needs.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from messaging.schema import Emotion

CLIP = Path(__file__).with_name("clip.mp4")
"""H.264 and AAC, 640 x 480."""
TRUTH = Path(__file__).with_name("truth.json")

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""On the clip's own time line."""


@dataclass(frozen=True, slots=True)
class Phase:
    """The face shows ``label``; its first ``Truth.transition_s`` are the way there."""

    start_s: Seconds
    end_s: Seconds
    label: Emotion


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech, with the expression that the face shows meanwhile."""

    onset_s: Seconds
    offset_s: Seconds
    label: Emotion
    text: str


@dataclass(frozen=True, slots=True)
class Truth:
    fps: int
    duration_s: Seconds
    transition_s: Seconds
    """Length of the change from one expression to the next; the first phase has none."""
    expressions: tuple[Phase, ...]
    utterances: tuple[Utterance, ...]
    """Onset and offset are those of the synthesised samples, before the sound was compressed."""
    origin: str
    """Who made the clip of what, and under which licence it is."""


@cache
def load_truth() -> Truth:
    return TypeAdapter(Truth).validate_json(TRUTH.read_bytes())
