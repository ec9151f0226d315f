"""What a check found."""

from dataclasses import dataclass
from typing import Literal

from messaging.errors import UserError

Level = Literal["fine", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    level: Level
    text: str
    way_out: str = ""
    """What its user can do; of all that is not fine."""


def of_error(name: str, error: UserError, level: Level = "failure") -> Finding:
    """A user's error ends with its way out."""
    text, _, way_out = str(error).rpartition("; ")
    return Finding(name, level, text or way_out, way_out if text else "")
