"""A session as a recording: where its sound lies."""

from dataclasses import replace
from pathlib import Path

from capture.resample import SAMPLE_RATE, Resampler
from messaging.schema import Stamp
from messaging.topics import AUDIO
from offline.session import session_recording
from tests.recording.messages import MS, arrived, make_session, sound

FAR_NS = 600_000 * MS


def test_sound_of_an_unknown_time_does_not_put_hours_of_silence_before_the_rest(
    tmp_path: Path,
) -> None:
    early, *known = (sound(number, 32 * number) for number in range(10))
    unknown = replace(early.message, stamp=Stamp(FAR_NS, "far", 0, None))
    first = arrived(AUDIO, unknown, early.payload)
    session = make_session(tmp_path / "s", [first, *known])
    recording = session_recording(session.path)
    samples = sum(map(len, recording.sound("microphone", Resampler)))
    assert samples == SAMPLE_RATE * 320 // 1000
