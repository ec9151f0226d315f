"""One MCAP file of a session: written so that it opens whatever happens, and read back."""

import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, DataEnd, Footer, Header, McapRecord, Message, Metadata
from mcap.stream_reader import breakup_chunk
from mcap.writer import MCAP0_MAGIC, CompressionType, Writer

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
R = TypeVar("R", bound="McapRecord")
RECORD_HEAD = struct.Struct("<BQ")
"""Opcode and length."""


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
        self._unflushed: Counter[tuple[str, str]] = Counter()
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
        self._start = self._whole = self._file.tell()

    @property
    def size(self) -> int:
        """Bytes that were flushed."""
        return self._whole

    def write(self, received: Received[Any], arrived_ns: int) -> None:
        """``arrived_ns`` is on the hub's clock."""
        self._writer.add_message(
            self._channel(received.topic, source_of(received)),
            log_time=max(0, arrived_ns),
            data=to_data(received),
            publish_time=max(0, stamp_ns(received.message)),
            sequence=received.seq % 2**32,
        )
        self._unflushed[received.topic.name, received.sender] += 1

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
        self.flush()
        self._writer.finish()
        self._file.sync()
        self._whole = self._file.tell()
        self._file.close()

    def abandon(self) -> Counter[tuple[str, str]]:
        """Leave what was flushed: half a chunk more would be of no use to anybody, and neither
        would a file without a message. Returns what was written since, by topic and sender.
        """
        with suppress(OSError):  # then the half chunk stays; readers pass it over
            self._file.cut_to(self._whole)
        with suppress(OSError):
            self._file.close()
        if self._whole == self._start:
            self.path.unlink(missing_ok=True)
            self._whole = 0
        return self._unflushed


def refuse_later(path: Path, about: Mapping[str, Any]) -> None:
    """Raises:
    UserError: it was recorded by a later wire version than is known here.
    """
    version = about.get("wire_version", VERSION)
    try:
        is_later = int(version) > VERSION
    except (TypeError, ValueError):
        raise UserError(f"{path} is damaged: its wire version is {version!r}") from None
    if is_later:
        raise UserError(
            f"{path} was recorded with wire version {version}, this emofuse reads up to {VERSION}; "
            "install a newer one"
        )


def framed(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Head and content of each MCAP record that is there in full. Whatever a content says of
    itself, the next record begins where its head says: one that is damaged hides no other.
    """
    size = os.fstat(file.fileno()).st_size
    while len(head := file.read(RECORD_HEAD.size)) == RECORD_HEAD.size:
        _, length = RECORD_HEAD.unpack(head)
        if length > size - file.tell():
            return
        yield head, file.read(length)


@dataclass(slots=True)
class Part:
    """What a file turned out to hold, known once ``records`` has come to its end."""

    path: Path
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    """Metadata of its start."""
    closed: bool = False
    """It has its proper end."""
    damage: Counter[str] = field(default_factory=Counter[str])
    """What of it cannot be read, and why."""
    _channels: dict[int, Channel] = field(default_factory=dict[int, Channel])
    _is_searched: bool = False

    def faults(self) -> list[str]:
        """What is wrong with it, a line each; empty where it is whole."""
        lines = [f"{what} ({count} times)" if count > 1 else what
                 for what, count in self.damage.items()]  # fmt: skip
        if not self.closed:
            lines.append("not closed properly; after a crash at most the last second is missing")
        return lines

    def records(self, *topics: Topic[Any]) -> Iterator[Received[Any]]:
        """The messages on these topics (all without any), in the order of arrival.

        A file that breaks off is read as far as it goes; a chunk that is damaged is passed over.

        Raises:
            UserError: it is no recording of ours, is of a later version, or cannot be read.
        """
        wanted = {topic.name for topic in topics} or set(TOPIC_BY_NAME)
        try:
            with self.path.open("rb") as file:
                yield from self._records(file, wanted)
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}") from error

    def sources(self, topic: Topic[Any]) -> set[str]:
        """The cameras, microphones or nodes that have messages on it."""
        return {
            channel.metadata.get("source", "")
            for channel in self._channels.values()
            if channel.metadata.get("topic") == topic.name
        }

    def _records(self, file: IO[bytes], wanted: set[str]) -> Iterator[Received[Any]]:
        magic = file.read(len(MCAP0_MAGIC))
        if not MCAP0_MAGIC.startswith(magic):
            raise UserError(f"{self.path} is no MCAP file; move it out of the session's folder")
        checksum = zlib.crc32(magic)
        for head, content in framed(file):
            kind, stream = head[0], ReadDataStream(BytesIO(content))
            if kind == Opcode.DATA_END:
                if (end := self._parsed(DataEnd, stream)) is not None:
                    self._compare(checksum, end.data_section_crc)
                checksum = 0
                continue
            if kind == Opcode.FOOTER:
                checksum = zlib.crc32(content[:16], zlib.crc32(head, checksum))
                if (footer := self._parsed(Footer, stream)) is not None:
                    self._compare(checksum, footer.summary_crc)
                self.closed = file.read() == MCAP0_MAGIC
                return
            checksum = zlib.crc32(content, zlib.crc32(head, checksum))
            if kind == Opcode.HEADER:
                self._check_profile(self._parsed(Header, stream))
            elif kind == Opcode.METADATA:
                self._note(self._parsed(Metadata, stream))
            elif kind == Opcode.CHUNK:
                at = file.tell() - len(content) - len(head)
                yield from self._messages(stream, at, wanted)

    def _parsed(self, kind: type[R], stream: ReadDataStream) -> R | None:
        record: Any = kind
        try:
            return record.read(stream)
        except Exception as error:  # mcap lets those of struct and of encodings through
            self.damage[f"its {kind.__name__} is damaged ({type(error).__name__})"] += 1
            return None

    def _compare(self, found: int, said: int) -> None:
        if said and found != said and not self.damage:
            self.damage["a checksum does not fit: something in it was changed"] += 1

    def _check_profile(self, header: Header | None) -> None:
        if header is not None and header.profile != PROFILE:
            raise UserError(
                f"{self.path} is no recording of emofuse (its profile is {header.profile!r}); "
                "move it out of the session's folder"
            )

    def _note(self, metadata: Metadata | None) -> None:
        if metadata is not None and metadata.name == "session":
            refuse_later(self.path, metadata.metadata)
            self.about = metadata.metadata

    def _messages(
        self, stream: ReadDataStream, at: int, wanted: set[str]
    ) -> Iterator[Received[Any]]:
        try:
            records = breakup_chunk(Chunk.read(stream), validate_crc=True)
        except Exception as error:  # mcap lets those of struct and lz4 through
            why = type(error).__name__
            self.damage[f"the chunk at byte {at} is damaged and was passed over ({why})"] += 1
            return
        for record in records:
            if isinstance(record, Channel):
                self._channels[record.id] = record
            elif isinstance(record, Message):
                channel = self._channel(record.channel_id)
                if channel is None:
                    self.damage[f"channel {record.channel_id} of a message is missing"] += 1
                    continue
                topic = channel.metadata.get("topic", "")
                if topic not in TOPIC_BY_NAME:
                    self.damage[f"messages on {channel.topic!r} are not known here"] += 1
                if topic not in wanted:
                    continue
                try:
                    yield from_data(topic, record.data, record.log_time)
                except JunkError as error:
                    self.damage[f"a message on {channel.topic} is none: {error}"] += 1

    def _channel(self, number: int) -> Channel | None:
        """It stands before its first message; where that chunk is damaged, perhaps at the end."""
        if number not in self._channels and not self._is_searched:
            self._is_searched = True
            with suppress(Exception), self.path.open("rb") as file:
                summary = make_reader(file).get_summary()
                self._channels |= summary.channels if summary else {}
        return self._channels.get(number)
