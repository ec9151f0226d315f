"""What a person asks of the pipeline by a key: the same in the window and in the terminal. Pure."""

from typing import Any

from display.session import Session
from messaging.schema import Control, Marker, Stamp
from messaging.topics import CONTROL, MARKERS, Topic

HELD_NS = {"r": 700_000_000, " ": 700_000_000, "m": 100_000_000}
"""A key that comes again so soon is held down, which must not ask again and again. A held key
repeats some 0.5 s after it was pressed, then quickly; whoever marks a rhythm is quicker than that.
"""


class Requests:
    """The keys of one display, whose name is in all that it asks for."""

    def __init__(self, name: str, session: Session) -> None:
        self._name = name
        self._session = session
        self._markers = 0
        self._pressed_ns: dict[str, int] = {}

    def of(self, key: str, pressed: Stamp) -> tuple[Topic[Any], Control | Marker] | None:
        """What to publish for a key, and where; ``pressed`` is this process's own time."""
        key, now_ns = key.lower(), pressed.captured_ns
        if key not in HELD_NS or self._is_held(key, now_ns):
            return None
        if key == "m":
            self._markers += 1
            return MARKERS, Marker(pressed, f"marker {self._markers}", self._name)
        if key == "r":
            action = "rest" if self._session.is_recording(now_ns) else "record"
            return CONTROL, Control(pressed, action, self._name)
        if self._session.has_player(now_ns):
            is_paused = self._session.paused_since_ns(now_ns) is not None
            return CONTROL, Control(pressed, "resume" if is_paused else "pause", self._name)
        return None

    def _is_held(self, key: str, now_ns: int) -> bool:
        former_ns = self._pressed_ns.get(key)
        self._pressed_ns[key] = now_ns
        return former_ns is not None and now_ns - former_ns < HELD_NS[key]
