"""What is recorded, played and marked: from heartbeats and markers to a ``SessionScene``. Pure."""

from collections import OrderedDict
from typing import TypeVar

from display.scene import SessionScene
from display.sources import keep_newest
from messaging.schema import Heartbeat, Marker
from messaging.wire import Received

M = TypeVar("M", Heartbeat, Marker)

RECORDER, PLAYER = "recorder", "player"
RECORDING, PAUSED = "recording", "paused"
"""What these two say of themselves in their heartbeats."""
OVERDUE_NS = 3_000_000_000
"""Heartbeats come once a second: after so long a node's last one is no news any more."""
MOST_PLAYING = 64
MARKER_NS = 2_000_000_000
"""So long a marker is shown."""


class Session:
    """All times are ``received_ns``'s: this process's monotonic clock."""

    def __init__(self) -> None:
        self._recorder: Received[Heartbeat] | None = None
        self._recording_since_ns: int | None = None
        self._playing: OrderedDict[str, Received[Heartbeat]] = OrderedDict()
        self._paused_since_ns: int | None = None
        self._marker: Received[Marker] | None = None

    def on_heartbeat(self, received: Received[Heartbeat]) -> None:
        beat = received.message
        if RECORDER in (beat.kind, beat.node):
            self._on_recorder(received)
        elif PLAYER in (beat.kind, beat.node) or beat.progress is not None:
            self._on_playing(received)

    def on_marker(self, received: Received[Marker]) -> None:
        self._marker = received

    def _on_recorder(self, received: Received[Heartbeat]) -> None:
        beat, is_new = received.message, self._recorder is None
        self._recorder = None if beat.state == "closing" else received
        if self._recorder is None or beat.text != RECORDING:
            self._recording_since_ns = None
        elif self._recording_since_ns is None:
            # One that was there before this display did not tell when it began: it may have rested
            # in between, but nobody is told less than is on the disk.
            before_ns = beat.uptime_ns if is_new else 0
            self._recording_since_ns = received.received_ns - before_ns

    def _on_playing(self, received: Received[Heartbeat]) -> None:
        beat = received.message
        if beat.state == "closing":
            self._playing.pop(beat.node, None)
        else:
            self._playing[beat.node] = received
            keep_newest(self._playing, beat.node, MOST_PLAYING)
        if not any(map(_is_paused, self._heard_playing(received.received_ns))):
            self._paused_since_ns = None
        elif self._paused_since_ns is None:
            self._paused_since_ns = received.received_ns

    def _heard_playing(self, now_ns: int) -> list[Heartbeat]:
        playing = (_within(OVERDUE_NS, received, now_ns) for received in self._playing.values())
        return [received.message for received in playing if received]

    def is_recording(self, now_ns: int) -> bool:
        """By the recorder's word; one that fell silent has said nothing about now."""
        is_heard = _within(OVERDUE_NS, self._recorder, now_ns) is not None
        return is_heard and self._recording_since_ns is not None

    def has_player(self, now_ns: int) -> bool:
        """Whether a session is played, which can be paused; a media file cannot."""
        return any(PLAYER in (beat.kind, beat.node) for beat in self._heard_playing(now_ns))

    def paused_since_ns(self, now_ns: int) -> int | None:
        """``None`` where nothing is paused."""
        is_paused = any(map(_is_paused, self._heard_playing(now_ns)))
        return self._paused_since_ns if is_paused else None

    def scene(self, now_ns: int) -> SessionScene:
        silent_ns = now_ns - self._recorder.received_ns if self._recorder else 0
        since_ns = self._recording_since_ns if self.is_recording(now_ns) else None
        shares = (beat.progress for beat in self._heard_playing(now_ns))
        marked = _within(MARKER_NS, self._marker, now_ns)
        return SessionScene(
            recorded_s=None if since_ns is None else (now_ns - since_ns) / 1e9,
            recorder_silent_s=silent_ns / 1e9 if silent_ns > OVERDUE_NS else None,
            played=min((share for share in shares if share is not None), default=None),
            is_paused=self.paused_since_ns(now_ns) is not None,
            has_player=self.has_player(now_ns),
            marker=marked.message.text if marked else "",
        )


def _is_paused(beat: Heartbeat) -> bool:
    return (beat.state, beat.text) == ("waiting", PAUSED)


def _within(ns: int, received: Received[M] | None, now_ns: int) -> Received[M] | None:
    """What came no longer ago than that."""
    return received if received and now_ns - received.received_ns <= ns else None
