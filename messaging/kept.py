"""What a sender keeps of the messages that it sends again to who missed them. Pure."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from messaging.wire import Buffer

KEPT_NS = 90_000_000_000
"""So long a message can be asked for: a link that was down for a minute loses none."""
MOST_KEPT = 8192
"""Messages of a topic; four cameras fill 90 s with more, and keep 68 s."""
AGAIN_NS = 200_000_000
"""Several readers may ask for the same at once; it is sent to all of them, and so once."""


@dataclass(slots=True)
class _Sent:
    at_ns: int
    parts: Sequence[Buffer]
    again_ns: int | None = None
    """When it was sent again last."""


class Kept:
    """Of one topic of one sender, whose numbers follow on each other."""

    def __init__(self) -> None:
        self._sent: deque[_Sent] = deque(maxlen=MOST_KEPT)
        self._next = 0

    def keep(self, seq: int, parts: Sequence[Buffer], now_ns: int) -> None:
        """The message that was just sent, as it was."""
        self._next = seq + 1
        self._sent.append(_Sent(now_ns, parts))
        while self._sent[0].at_ns < now_ns - KEPT_NS:
            self._sent.popleft()

    @property
    def first(self) -> int:
        """The oldest number that is kept; that of the next message where none is."""
        return self._next - len(self._sent)

    def again(self, first: int, last: int, now_ns: int) -> Iterator[Sequence[Buffer]]:
        """Those of these numbers that are kept and were not sent again just now, in order."""
        for seq in range(max(first, self.first), min(last + 1, self._next)):
            sent = self._sent[seq - self.first]
            if sent.again_ns is None or sent.again_ns <= now_ns - AGAIN_NS:
                sent.again_ns = now_ns
                yield sent.parts
