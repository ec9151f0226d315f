"""Where the clock of a running source is set, which its stream has to say. Pure."""

from dataclasses import replace
from typing import Literal

from messaging.schema import Stamp, VideoFrame

JUMP_NS = 50_000_000
"""Smaller changes of an offset are corrections, which keep the order of stamps."""


def jump_ns(before: Stamp | None, after: Stamp) -> int:
    """By how much the pipeline's time was set between two stamps of a source; mostly 0."""
    by_ns = after.offset_ns - before.offset_ns if before else 0
    return by_ns if abs(by_ns) > JUMP_NS else 0


def mark_of(by_ns: int) -> Literal["gap", "opened"]:
    """Time that was skipped is a gap; a stream whose time comes again begins anew."""
    return "gap" if by_ns > 0 else "opened"


def reason(by_ns: int) -> str:
    return f"the clock was set by {by_ns / 1e9:+.3f} s"


class CameraJumps:
    """Of one camera's stream."""

    def __init__(self) -> None:
        self._last: Stamp | None = None

    def mark_before(self, frame: VideoFrame) -> VideoFrame | None:
        """What has to be said before the next message of the stream, if anything."""
        by_ns = jump_ns(self._last, frame.stamp)
        self._last = frame.stamp
        if not by_ns:
            return None
        stamp = replace(frame.stamp, captured_ns=frame.stamp.captured_ns - 1)
        return replace(
            frame, stamp=stamp, event=mark_of(by_ns), width=0, height=0, text=reason(by_ns)
        )
