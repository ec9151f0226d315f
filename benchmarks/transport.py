"""What a message costs before it is sent and after it came: bytes made, read and validated.

python -m benchmarks.transport
"""

import time
from typing import Any

import numpy as np

from benchmarks.results import Results
from messaging.schema import Face, FaceEmotions, SpeechEvent, Stamp, UtteranceEmotion, VideoFrame
from messaging.topics import FACES, SPEECH, UTTERANCES, VIDEO, Topic
from messaging.wire import decode, encode

CALLS = 20_000
BATCH = 100
STAMP = Stamp(123_456_789_012, "5f0c4a52-6a3c-4a58-a9d2-0ea2f0e9b6f1/4026531834", 0, 0)
SURE = (0.01, 0.02, 0.03, 0.8, 0.05, 0.04, 0.05)
FACE = Face(1, (200.5, 100.25, 180.0, 181.5), 0.93, SURE)
MESSAGES: tuple[tuple[Topic[Any], Any], ...] = (
    (FACES, FaceEmotions(STAMP, "camera", 4711, faces=(FACE,), width=640, height=480)),
    (SPEECH, SpeechEvent(STAMP, "microphone", "analysed_until")),
    (
        UTTERANCES,
        UtteranceEmotion("microphone-1", "microphone", STAMP, STAMP, "matched", "happy", SURE),
    ),
    (VIDEO, VideoFrame(STAMP, "camera", 4711, width=0, height=0)),
)


def microseconds(topic: Topic[Any], message: Any) -> tuple[float, float]:
    """To encode and to decode with validation, medians of batches."""
    payload = bytes(topic.payload_bytes(message) or 0)
    parts = [*encode(topic, message, "camera", 1, 2), payload]
    times: tuple[list[float], list[float]] = [], []
    for _ in range(CALLS // BATCH):
        began = time.perf_counter()
        for _ in range(BATCH):
            encode(topic, message, "camera", 1, 2)
        between = time.perf_counter()
        for _ in range(BATCH):
            decode(parts)
        times[0].append(between - began)
        times[1].append(time.perf_counter() - between)
    encoding, decoding = (float(np.median(batches)) / BATCH * 1e6 for batches in times)
    return encoding, decoding


def compare(results: Results) -> None:
    for topic, message in MESSAGES:
        encoding, decoding = microseconds(topic, message)
        results.note(f"message of {topic.name}: encode", "us", encoding)
        results.note(f"message of {topic.name}: decode and validate", "us", decoding)
