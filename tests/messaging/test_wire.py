"""Bytes and messages: every row of the topics table, and everything that is no message."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from messaging.packing import pack, unpack
from messaging.schema import (
    AudioChunk,
    ClockBurst,
    Control,
    Face,
    FaceEmotions,
    Heartbeat,
    LogRecord,
    Marker,
    SpeechEvent,
    Stamp,
    TopicCounts,
    UtteranceEmotion,
    VideoFrame,
)
from messaging.topics import AUDIO, FACES, TOPICS, VIDEO, Topic
from messaging.wire import HEADER_BYTES, JunkError, decode, encode, topic_part

STAMP = Stamp(123_456_789, "boot/4026531834", -5, None)
SURE = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
EXAMPLES: dict[type[Any], Any] = {
    VideoFrame: VideoFrame(STAMP, "camera", 7, width=4, height=2, interval_ns=40_000_000),
    AudioChunk: AudioChunk(STAMP, "microphone", 512, samples=12, level_dbfs=-31.5, speech=0.25),
    SpeechEvent: SpeechEvent(STAMP, "microphone", "ended", "microphone-1", STAMP, "silence"),
    FaceEmotions: FaceEmotions(
        STAMP, "camera", 7, faces=(Face(1, (-1.5, 2.0, 30.0, 40.0), 0.875, SURE),)
    ),
    UtteranceEmotion: UtteranceEmotion(
        "microphone-1", "microphone", STAMP, STAMP, "matched", "happy", SURE, dt_ns=-3, track=1
    ),
    Marker: Marker(STAMP, "stimulus 3", "experimenter"),
    Heartbeat: Heartbeat(
        STAMP, "camera", "running", 4711, counts=(TopicCounts("video", "", 6, 7),)
    ),
    LogRecord: LogRecord(STAMP, "camera", "warning", "no picture for 2 s"),
    Control: Control(STAMP, "credit", "inference", "video", "media", 17, 3),
    ClockBurst: ClockBurst(STAMP, "boot/1", 1, ((5, 1005, 1006, 8), (9, 1011, 1012, 14))),
}


def payload_of(topic: Topic[Any]) -> bytes:
    return bytes(topic.payload_bytes(EXAMPLES[topic.type]) or 0)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_message_of_every_topic_comes_back_as_it_was(topic: Topic[Any]) -> None:
    message, payload = EXAMPLES[topic.type], payload_of(topic)
    received = decode([*encode(topic, message, "sender", 11, 42), payload], received_ns=99)
    assert received.message == message
    assert bytes(received.payload) == payload
    assert (received.topic, received.sender, received.incarnation, received.seq) == (
        topic,
        "sender",
        11,
        42,
    )
    assert received.received_ns == 99


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_body_is_the_same_bytes_whoever_sends_it(topic: Topic[Any]) -> None:
    message = EXAMPLES[topic.type]
    bodies = {
        pack(unpack(encode(topic, message, sender, seq, seq)[1])["body"])
        for sender, seq in (("a", 1), ("b", 2))
    }
    assert len(bodies) == 1


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_fields_of_a_newer_version_are_passed_over(topic: Topic[Any]) -> None:
    head = encode(topic, EXAMPLES[topic.type], "sender", 0, 0)
    header = unpack(head[1])
    header["body"]["unheard_of"] = 1
    header["unheard_of"] = "too"
    received = decode([head[0], pack(header), payload_of(topic)])
    assert received.message == EXAMPLES[topic.type]


def test_topics_have_distinct_names_of_which_none_matches_another_as_a_prefix() -> None:
    parts = [topic_part(topic.name) for topic in TOPICS]
    assert len(set(parts)) == len(parts)
    assert not [
        (one, other) for one in parts for other in parts if one != other and other.startswith(one)
    ]


def header_with(**changes: Any) -> bytes:
    header = unpack(encode(FACES, EXAMPLES[FaceEmotions], "sender", 0, 0)[1])
    body = header["body"]
    for key, value in changes.items():
        (header if key in header else body)[key] = value
    return pack(header)


NAME = topic_part("faces")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="nothing"),
        pytest.param([NAME, header_with()], id="two parts"),
        pytest.param([NAME, header_with(), b"", b""], id="four parts"),
        pytest.param([b"faces", header_with(), b""], id="topic without its ending"),
        pytest.param([b"faces\0" * 10_000, header_with(), b""], id="an endless topic"),
        pytest.param([NAME, b"", b""], id="no header"),
        pytest.param([NAME, header_with()[:-1], b""], id="a truncated header"),
        pytest.param([NAME, header_with() + b"\0", b""], id="more than a header"),
        pytest.param([NAME, b"\0" * (HEADER_BYTES + 1), b""], id="a header that is too long"),
        pytest.param([NAME, pack(3), b""], id="a number as header"),
        pytest.param([NAME, b"\x91" * 100_000, b""], id="deep nesting"),
        pytest.param([NAME, b"\xdd\xff\xff\xff\xff", b""], id="a huge claim"),
        pytest.param([NAME, header_with(seq=-1), b""], id="a negative number"),
        pytest.param([NAME, header_with(seq=True), b""], id="a number that is none"),
        pytest.param([NAME, header_with(sender=""), b""], id="no sender"),
        pytest.param([NAME, header_with(incarnation="x"), b""], id="no incarnation"),
        pytest.param([NAME, header_with(index="7"), b""], id="text for a number"),
        pytest.param([NAME, header_with(source="x" * 300), b""], id="an endless name"),
        pytest.param([NAME, header_with(event="exploded"), b""], id="an unknown event"),
        pytest.param([NAME, header_with(stamp=None), b""], id="no stamp"),
        pytest.param([NAME, header_with(faces=[{}] * 300), b""], id="too many faces"),
        pytest.param([NAME, header_with(), b"x"], id="a payload where there is none"),
    ],
)
def test_what_is_no_message_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(JunkError):
        decode(parts)


@pytest.mark.parametrize("probability", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_probability_outside_of_0_to_1_is_refused(probability: float) -> None:
    body = unpack(header_with())["body"]
    body["faces"][0]["probabilities"] = (probability, *SURE[1:])
    with pytest.raises(JunkError):
        decode([NAME, header_with(faces=body["faces"]), b""])


@pytest.mark.parametrize(("topic", "kind"), [(VIDEO, VideoFrame), (AUDIO, AudioChunk)])
def test_a_payload_of_another_size_than_the_header_says_is_refused(
    topic: Topic[Any], kind: type[Any]
) -> None:
    message = EXAMPLES[kind]
    for wrong in (payload_of(topic)[:-1], payload_of(topic) + b"x", b""):
        with pytest.raises(JunkError):
            decode([*encode(topic, message, "sender", 0, 0), wrong])
    closed = replace(message, event="closed")
    with pytest.raises(JunkError):
        decode([*encode(topic, closed, "sender", 0, 0), payload_of(topic)])


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_random_parts_are_refused(parts: list[bytes]) -> None:
    with pytest.raises(JunkError):
        decode(parts)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TOPICS), st.data())
def test_a_mutated_message_is_refused_or_still_a_message(topic: Topic[Any], data: Any) -> None:
    parts = [*encode(topic, EXAMPLES[topic.type], "sender", 0, 0), payload_of(topic)]
    header = bytearray(parts[1])
    for _ in range(data.draw(st.integers(1, 4))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))
    assume(bytes(header) != parts[1])
    try:
        received = decode([parts[0], bytes(header), parts[2]])
    except JunkError:
        return
    assert isinstance(received.message, topic.type)
    encode(received.topic, received.message, received.sender, received.incarnation, received.seq)
