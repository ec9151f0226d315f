"""How far the streams have come, on the pipeline's clock. Pure, and bounded whatever arrives."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from display.sources import keep_newest
from messaging.topics import Topic
from messaging.wire import Received

MOST_STREAMS = 64


@dataclass(slots=True)
class _Stream:
    reached_ns: int
    is_open: bool
    is_again: bool
    """It has been here before."""


class Streams:
    """Each is known by its topic and source: they travel on several ways, so none of them tells
    that another one has begun anew.
    """

    def __init__(self) -> None:
        self._streams: OrderedDict[tuple[str, str], _Stream] = OrderedDict()

    def note(self, received: Received[Any]) -> bool:
        """Whether this message takes its stream back to an earlier time, as each round of a session
        that is played in a loop does.
        """
        message, key = received.message, (received.topic.name, received.message.source)
        at_ns, is_open = message.stamp.pipeline_ns, message.event != "closed"
        stream = self._streams.get(key)
        goes_back = stream is not None and message.event == "opened" and at_ns < stream.reached_ns
        if stream is None or goes_back:
            self._streams[key] = _Stream(at_ns, is_open, is_again=goes_back)
        else:
            stream.reached_ns, stream.is_open = max(at_ns, stream.reached_ns), is_open
        keep_newest(self._streams, key, MOST_STREAMS)
        return goes_back

    def is_to_come_again(self, topic: Topic[Any], source: str, at_ns: int) -> bool:
        """Whether a stream was at this instant in a former round, and is not yet in this one."""
        stream = self._streams.get((topic.name, source))
        return stream is not None and stream.is_again and at_ns > stream.reached_ns

    @property
    def newest_ns(self) -> int:
        """Of the streams that go on; of all, where none does; 0 before the first."""
        going_on = [stream for stream in self._streams.values() if stream.is_open]
        streams = going_on or self._streams.values()
        return max((stream.reached_ns for stream in streams), default=0)
