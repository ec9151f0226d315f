"""Which of the pictures that come are one worker's to answer. Pure: knows no socket."""

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass

from messaging.bus import MOST_AHEAD
from messaging.schema import Control, VideoFrame
from messaging.wire import Received
from messaging.workers import preference

Frame = Received[VideoFrame]


@dataclass(frozen=True, slots=True)
class _Owner:
    worker: str
    stream: tuple[str, str, int]
    since: int
    """Number of the first message of that stream that names it."""


class Share:
    """Of ``worker``. Every worker gets all pictures; their sender names the one that answers.

    Those of lossless sources are kept until the one who is named has done with them: when it dies,
    and the next picture names this worker, that is where the work goes on.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._owners: dict[str, _Owner] = {}
        self._kept: defaultdict[str, deque[Frame]] = defaultdict(lambda: deque(maxlen=MOST_AHEAD))

    def take(self, received: Frame, others: Collection[str] = ()) -> tuple[list[Frame], bool]:
        """What is to be answered now, in order, and whether the camera has moved here: its faces
        are strangers then. ``others`` are the workers beside this one, for senders who name none.
        """
        frame, worker = received.message, self._worker
        named = frame.worker or max(
            (*others, worker), key=lambda name: (preference(frame.source, name), name)
        )
        former = self._owners.get(frame.source)
        if former is None or (former.worker, former.stream) != (named, _stream(received)):
            self._owners[frame.source] = _Owner(named, _stream(received), received.seq)
        if named != worker:
            if frame.lossless:
                self._kept[frame.source].append(received)
            return [], False
        has_moved = former is not None and former.worker != worker
        left = [kept for kept in self._kept.pop(frame.source, ()) if not _is_same(kept, received)]
        return [*left, received], has_moved

    def hear(self, control: Control) -> None:
        """Another worker has done with what it was to answer up to a message. Before the first one
        that names it, it gave credit for what was another one's, and has yet to answer that.
        """
        if control.action != "credit":
            return
        for source, kept in self._kept.items():
            owner = self._owners[source]
            if control.reader == owner.worker and control.seq >= owner.since:
                while kept and _is_done(kept[0], control):
                    kept.popleft()


def _is_done(kept: Frame, control: Control) -> bool:
    stream = control.topic, control.sender, control.incarnation
    return _stream(kept) == stream and kept.seq <= control.seq


def _stream(received: Frame) -> tuple[str, str, int]:
    return received.topic.name, received.sender, received.incarnation


def _is_same(kept: Frame, received: Frame) -> bool:
    """The last word of a source may come twice, to name another worker."""
    return (kept.message.event, kept.message.stamp) == (
        received.message.event,
        received.message.stamp,
    )
