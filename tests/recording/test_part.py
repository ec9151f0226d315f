"""A file of a session: what is written comes back, and what is spoilt is passed over and named."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import NonSeekingReader, make_reader
from mcap.writer import Writer
from pydantic import TypeAdapter

from messaging.errors import UserError
from messaging.topics import FACES, TOPICS, VIDEO_JPEG, Topic
from messaging.wire import VERSION, Received
from recording.layout import JunkError, from_data, source_of, stamp_ns
from recording.part import Part, PartWriter
from tests.messaging.test_wire import EXAMPLES, payload_of
from tests.recording.messages import arrived, marker, picture, some, write_part

RANDOM_BYTES = 200


def example(topic: Topic[Any]) -> Received[Any]:
    return arrived(topic, EXAMPLES[topic.type], payload_of(topic), seq=42, at_ms=7)


def identity(received: Received[Any]) -> tuple[str, bytes, bytes, int]:
    return (
        received.topic.name,
        bytes(received.header),
        bytes(received.payload),
        received.received_ns,
    )


def identities(records: "Iterator[Received[Any]] | list[Received[Any]]") -> list[Any]:
    return [identity(received) for received in records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "part-000.mcap"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Received[Any]]]:
    """A file of eight chunks, and what was written to it."""
    path = tmp_path_factory.mktemp("whole") / "part-000.mcap"
    messages = some()
    write_part(path, messages)
    return path.read_bytes(), messages


def chunk_ends(file: bytes) -> list[int]:
    """Of each chunk, with the index that follows it."""
    import io

    summary = make_reader(io.BytesIO(file)).get_summary()
    assert summary is not None
    indexes = summary.chunk_indexes
    return [c.chunk_start_offset + c.chunk_length + c.message_index_length for c in indexes]


def test_a_message_of_every_topic_comes_back_to_the_byte(path: Path) -> None:
    written = [example(topic) for topic in TOPICS]
    write_part(path, written)
    part = Part(path)
    read = list(part.records())
    assert identities(read) == identities(written)
    assert [r.message for r in read] == [w.message for w in written]
    assert [(r.sender, r.incarnation, r.seq) for r in read] == [("media", 1, 42)] * len(TOPICS)
    assert part.closed
    assert part.faults() == []


def test_only_the_topics_that_were_asked_for_are_read(path: Path) -> None:
    write_part(path, some())
    assert {r.topic.name for r in Part(path).records(FACES)} == {"faces"}
    assert len(list(Part(path).records(FACES, VIDEO_JPEG))) == 80


def test_tools_for_mcap_find_everything_in_its_place(path: Path) -> None:
    """As ``mcap doctor`` would: header, chunks, checksums, indexes, statistics."""
    written = [example(topic) for topic in TOPICS] + some()
    write_part(path, written, {"wire_version": "1", "host": "here"})
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "emofuse"
        (metadata,) = reader.iter_metadata()
        assert (metadata.name, metadata.metadata["host"]) == ("session", "here")
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        counts = summary.statistics.channel_message_counts
        assert sum(counts.values()) == summary.statistics.message_count == len(written)
        found = list(reader.iter_messages(log_time_order=False))
    assert len(found) == len(written)
    for (schema, channel, message), received in zip(found, written, strict=True):
        name, source = received.topic.name, source_of(received)
        assert channel.topic == f"{name}/{source}"
        assert channel.metadata == {"topic": name, "source": source}
        assert channel.message_encoding == "msgpack"
        assert message.log_time == received.received_ns
        assert message.publish_time == max(0, stamp_ns(received.message))
        assert message.sequence == received.seq
        assert schema is not None
        assert (schema.encoding, schema.name) == ("jsonschema", received.topic.type.__name__)
        assert schema.data.decode() == _json(TypeAdapter(received.topic.type).json_schema())


def _json(value: object) -> str:
    import json

    return json.dumps(value)


def test_its_checksum_over_all_data_is_right(whole: tuple[bytes, Any], path: Path) -> None:
    path.write_bytes(whole[0])
    with path.open("rb") as file:
        reader = NonSeekingReader(file, validate_crcs=True)
        assert len(list(reader.iter_messages(log_time_order=False))) == len(whole[1])


def cut(file: bytes, messages: list[Received[Any]], path: Path, length: int) -> int:
    """Read a file that was cut off; returns how many messages are left."""
    path.write_bytes(file[:length])
    part = Part(path)
    read = list(part.records())
    assert identities(read) == identities(messages[: len(read)]), length
    assert not part.closed
    assert part.faults(), length
    return len(read)


def test_cut_off_at_the_end_of_any_chunk_all_up_to_there_is_read(
    whole: tuple[bytes, list[Received[Any]]], path: Path
) -> None:
    ends = chunk_ends(whole[0])
    assert len(ends) == 8
    for number, end in enumerate(ends, 1):
        assert cut(*whole, path, end) == 10 * number
        assert cut(*whole, path, end + 1) == 10 * number
    assert cut(*whole, path, ends[0] - 1) == 10, "only its index is cut"


def test_cut_off_anywhere_it_opens_and_gives_a_beginning(
    whole: tuple[bytes, list[Received[Any]]], path: Path
) -> None:
    file, messages = whole
    ends = chunk_ends(file)
    lengths = [*range(40), *random.Random(1).sample(range(len(file)), RANDOM_BYTES), len(file) - 1]
    for length in lengths:
        left = cut(file, messages, path, length)
        assert left >= 10 * sum(end <= length for end in ends)


def test_a_chunk_with_a_changed_byte_is_passed_over_and_named(
    whole: tuple[bytes, list[Received[Any]]], path: Path
) -> None:
    file, messages = whole
    ends = [0, *chunk_ends(file)]
    for chunk in (1, 4, 7):
        at = (ends[chunk] + ends[chunk + 1]) // 2
        path.write_bytes(file[:at] + bytes([file[at] ^ 0x10]) + file[at + 1 :])
        part = Part(path)
        read = identities(part.records())
        assert read == identities(messages[: 10 * chunk] + messages[10 * chunk + 10 :])
        (fault,) = part.faults()
        assert f"the chunk at byte {ends[chunk]} is damaged and was passed over" in fault
        assert part.closed


def test_no_changed_byte_goes_unseen_or_gives_a_false_message(
    whole: tuple[bytes, list[Received[Any]]], path: Path
) -> None:
    file, messages = whole
    written = set(identities(messages))
    rng = random.Random(2)
    for at in (*range(40), *rng.sample(range(len(file)), RANDOM_BYTES)):
        path.write_bytes(file[:at] + bytes([file[at] ^ (1 << rng.randrange(8))]) + file[at + 1 :])
        part = Part(path)
        try:
            read = identities(part.records())
        except UserError:  # it is no recording of ours any more
            continue
        assert set(read) <= written, at
        assert part.faults(), at


def test_an_mcap_file_of_another_program_is_refused(path: Path) -> None:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        schema = writer.register_schema("Image", "jsonschema", b"{}")
        channel = writer.register_channel("/camera", "json", schema)
        writer.add_message(channel, 1, b"{}", 1)
        writer.finish()
    with pytest.raises(UserError, match=r"part-000\.mcap is no recording of emofuse.*'ros2'.*move"):
        list(Part(path).records())


def test_a_text_file_is_refused(path: Path) -> None:
    path.write_text("not what it says")
    with pytest.raises(UserError, match=r"part-000\.mcap is no MCAP file; move it out"):
        list(Part(path).records())


def test_a_file_of_a_later_wire_version_is_refused(path: Path) -> None:
    write_part(path, some(2), {"wire_version": str(VERSION + 1)})
    with pytest.raises(UserError, match=f"wire version {VERSION + 1}.*install a newer one"):
        list(Part(path).records())


def test_a_wire_version_that_is_none_is_damage(path: Path) -> None:
    write_part(path, some(2), {"wire_version": "soon"})
    with pytest.raises(UserError, match="is damaged: its wire version is 'soon'"):
        list(Part(path).records())


def test_a_folder_in_its_place_cannot_be_read(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        list(Part(path).records())


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_damaged_chunk_may_hold_the_description_of_the_channels(
    path: Path, *, is_closed: bool
) -> None:
    """It stands once more at the end of a file that was closed; else what needs it is named."""
    messages = [picture(n, n * 50) for n in range(40)]
    write_part(path, messages, finish=is_closed)
    file = path.read_bytes()
    path.write_bytes(file[:2000] + bytes([file[2000] ^ 1]) + file[2001:])
    part = Part(path)
    assert identities(part.records()) == identities(messages[10:] if is_closed else [])
    faults = part.faults()
    assert "the chunk at byte" in faults[0]
    assert faults[1:2] == ([] if is_closed else ["channel 1 of a message is missing (30 times)"])


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x82", b"\x91" * 600, b"text", b"\x80" + b"\x01", b"\x80" + b"\xc4\x05abc"],
)
def test_bytes_that_are_no_message_are_junk(data: bytes) -> None:
    with pytest.raises(JunkError):
        from_data("markers", data, 0)


def test_something_behind_a_message_is_junk() -> None:
    good = bytes(marker("x").header)
    assert from_data("markers", good, 0).message.text == "x"
    for more in (b"\x01", b"\xc4\x00\xc4\x00", b"\xa1x"):
        with pytest.raises(JunkError):
            from_data("markers", good + more, 0)


def test_a_message_of_another_topic_is_named(path: Path) -> None:
    """Written by another program under our name."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("emofuse")
        schema = writer.register_schema("Marker", "jsonschema", b"{}")
        known = writer.register_channel("markers/x", "msgpack", schema, {"topic": "markers"})
        unknown = writer.register_channel("smell/x", "msgpack", schema, {"topic": "smell"})
        for channel in (known, unknown, known):
            writer.add_message(channel, 1, b"\x80", 1)
        writer.finish()
    part = Part(path)
    assert list(part.records()) == []
    assert part.faults() == [
        "a message on markers/x is none: markers: KeyError (2 times)",
        "messages on 'smell/x' are not known here",
    ]


def test_a_file_that_is_there_is_never_written_over(path: Path) -> None:
    write_part(path, some(2))
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        PartWriter(path, {})
    assert path.read_bytes() == before


def test_what_was_not_flushed_is_told_when_it_is_abandoned(path: Path) -> None:
    writer = PartWriter(path, {})
    messages = some(5)
    for received in messages[:6]:
        writer.write(received, received.received_ns)
    writer.flush()
    for received in messages[6:]:
        writer.write(received, received.received_ns)
    assert writer.abandon() == {("video_jpeg", "media"): 2, ("faces", "inference"): 2}
    assert path.stat().st_size == writer.size
    assert identities(Part(path).records()) == identities(messages[:6])
