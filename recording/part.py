"""One MCAP file of a session: written so that it opens whatever happens, and read back."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mcap.records import Channel, Chunk, Footer, Header, Message, Metadata
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import CompressionType, Writer

from messaging.errors import UserError
from messaging.topics import Topic
from messaging.wire import VERSION, JunkError, Received
from recording.layout import (
    ENCODING,
    PROFILE,
    TOPIC_BY_NAME,
    channel_name,
    from_data,
    json_schema,
    schema_name,
    source_of,
    stamp_ns,
    to_data,
)

CHUNK_BYTES = 4 * 1024 * 1024
"""A chunk is closed twice a second anyway; this bounds the memory."""


class _File:
    """An unbuffered file: what was written is with the system, and what it could not take is told
    at once. ``Writer`` wants no more of a stream than this.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._length = 0

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            written = os.write(self._descriptor, rest)
            self._length += written
            rest = rest[written:]
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        pass

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def cut_to(self, length: int) -> None:
        os.ftruncate(self._descriptor, length)

    def close(self) -> None:
        os.close(self._descriptor)


class PartWriter:
    """Writes messages to a new file. What ``flush`` has returned from can be read, also after a
    crash of this process; with ``sync`` also after one of the machine.

    Raises:
        FileExistsError: the file is there.
        OSError: the disk cannot take it (any call); ``abandon`` then leaves what was flushed.
    """

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self.path = path
        self._file = _File(path)
        self._whole = 0
        self._unflushed: Counter[str] = Counter()
        self._channels: dict[tuple[str, str], int] = {}
        self._schemas: dict[str, int] = {}
        self._writer = Writer(
            cast("Any", self._file),
            chunk_size=CHUNK_BYTES,
            compression=CompressionType.LZ4,
            enable_data_crcs=True,
        )
        try:
            self._writer.start(PROFILE)
            self._writer.add_metadata("session", dict(about))
        except OSError:
            self._file.close()
            path.unlink()
            raise
        self._whole = self._file.tell()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._file.tell()

    def write(self, received: Received[Any], arrived_ns: int) -> None:
        """``arrived_ns`` is on the hub's clock."""
        self._writer.add_message(
            self._channel(received.topic, source_of(received)),
            log_time=max(0, arrived_ns),
            data=to_data(received),
            publish_time=max(0, stamp_ns(received.message)),
            sequence=received.seq % 2**32,
        )
        self._unflushed[received.topic.name] += 1

    def _channel(self, topic: Topic[Any], source: str) -> int:
        known = self._channels.get((topic.name, source))
        if known is not None:
            return known
        name = topic.name
        if name not in self._schemas:
            self._schemas[name] = self._writer.register_schema(
                schema_name(name), "jsonschema", json_schema(name)
            )
        channel = self._writer.register_channel(
            channel_name(name, source),
            ENCODING,
            self._schemas[name],
            {"topic": name, "source": source},
        )
        self._channels[name, source] = channel
        return channel

    def flush(self, *, sync: bool = False) -> None:
        self._writer.flush()
        if sync:
            self._file.sync()
        self._whole = self._file.tell()
        self._unflushed.clear()

    def finish(self) -> None:
        """Close it properly."""
        self._writer.finish()
        self._file.sync()
        self._file.close()

    def abandon(self) -> Counter[str]:
        """Leave what was flushed: half a chunk more would be of no use to anybody. Returns what
        was written since, by topic.
        """
        try:
            self._file.cut_to(self._whole)
        finally:
            self._file.close()
        return self._unflushed


def refuse_later(path: Path, about: Mapping[str, Any]) -> None:
    """Raises:
    UserError: it was recorded by a later wire version than is known here.
    """
    version = int(about.get("wire_version", VERSION))
    if version > VERSION:
        raise UserError(
            f"{path} was recorded with wire version {version}, this emofuse reads up to {VERSION}; "
            "install a newer one"
        )


@dataclass(slots=True)
class Part:
    """What a file turned out to hold, known once ``records`` has come to its end."""

    path: Path
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    """Metadata of its start."""
    closed: bool = False
    """It was closed properly, and all of it is there."""
    damaged: int = 0
    """Chunks that cannot be read, and messages that are none."""
    why: str = ""
    """What is wrong with it; empty where nothing is."""
    channels: dict[int, Channel] = field(default_factory=dict[int, Channel])

    def records(self, *topics: Topic[Any]) -> Iterator[Received[Any]]:
        """The messages on these topics (all without any), in the order of arrival.

        A file that breaks off is read as far as it goes; a chunk that is damaged is passed over.
        """
        wanted = {topic.name for topic in topics} or set(TOPIC_BY_NAME)
        try:
            with self.path.open("rb") as file:
                yield from self._records(file, wanted)
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}") from error

    def _records(self, file: Any, wanted: set[str]) -> Iterator[Received[Any]]:
        reader = StreamReader(file, emit_chunks=True, validate_crcs=True)
        records = iter(reader.records)
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except Exception as error:  # mcap lets those of struct, lz4 and zstd through
                self.why = f"it breaks off ({type(error).__name__})"
                return
            if isinstance(record, Header) and record.profile != PROFILE:
                raise UserError(
                    f"{self.path} is no recording of emofuse (its profile is "
                    f"{record.profile!r}); give a session's folder"
                )
            if isinstance(record, Metadata):
                self._note(record)
            elif isinstance(record, Chunk):
                yield from self._messages(record, wanted)
            elif isinstance(record, Footer):
                self.closed = not self.damaged

    def _note(self, record: Metadata) -> None:
        if record.name == "session":
            refuse_later(self.path, record.metadata)
            self.about = record.metadata

    def _messages(self, chunk: Chunk, wanted: set[str]) -> Iterator[Received[Any]]:
        try:
            records = breakup_chunk(chunk, validate_crc=True)
        except Exception as error:
            self.damaged += 1
            self.why = f"a chunk is damaged ({type(error).__name__})"
            return
        for record in records:
            if isinstance(record, Channel):
                self.channels[record.id] = record
            elif isinstance(record, Message):
                channel = self.channels.get(record.channel_id)
                if channel is None:
                    self._spoilt("a channel is missing")
                    continue
                topic = channel.metadata.get("topic", "")
                if topic not in wanted:
                    continue
                try:
                    yield from_data(topic, record.data, record.log_time)
                except (JunkError, ValueError) as error:
                    self._spoilt(f"a message is none: {error}")

    def _spoilt(self, why: str) -> None:
        self.damaged += 1
        self.why = why
