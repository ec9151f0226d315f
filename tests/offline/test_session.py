"""A recorded session as the exports and the plot read it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from capture.resample import SAMPLE_RATE, Resampler
from messaging.errors import UserError
from messaging.schema import Stamp
from messaging.topics import AUDIO, UTTERANCES
from offline.session import NO_LABELS, session_recording
from offline.spool import write_spool
from offline.video import write_video
from recording.session import Session
from tests.offline.scenes import film, said
from tests.recording.messages import (
    MS,
    arrived,
    faces,
    make_session,
    marker,
    picture,
    sound,
    speech,
)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A session is read from its start for each."""
    found: list[tuple[Any, ...]] = []
    real = Session.records

    def counted(session: Session, *topics: Any) -> Iterator[Any]:
        found.append(topics)
        return real(session, *topics)

    monkeypatch.setattr(Session, "records", counted)
    return found


def test_pictures_and_sound_that_nobody_labelled_are_a_video_and_that_is_said(
    tmp_path: Path,
) -> None:
    made = [record for n in range(5) for record in (picture(n, n * 40), sound(n, n * 32))]
    session = make_session(tmp_path / "s", [*made, marker("begin")])
    recording = session_recording(session.path, tmp_path / "spool")
    assert (recording.cameras, recording.microphones) == (("camera",), ("microphone",))
    assert NO_LABELS in recording.notes
    write_video(recording, tmp_path / "x.mp4")
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert container.streams.video[0].frames == 5
        assert len(container.streams.audio) == 1


@pytest.mark.parametrize("label", [faces(0, 0), arrived(UTTERANCES, said(0, 100), at_ms=200)])
def test_a_session_with_labels_is_not_called_one_without(tmp_path: Path, label: Any) -> None:
    session = make_session(tmp_path / "s", [speech("opened", 0), label])
    assert NO_LABELS not in session_recording(session.path, tmp_path / "spool").notes


def test_a_session_is_read_once_however_often_its_results_are(
    tmp_path: Path, readings: list[tuple[Any, ...]]
) -> None:
    made = [faces(0, 0), marker("begin", ms=10), arrived(UTTERANCES, said(0, 100), at_ms=9_000)]
    session = make_session(tmp_path / "s", made)
    recording = session_recording(session.path, tmp_path / "spool")
    found = [list(recording.results()) for _ in range(3)]
    assert found[0] == found[1] == found[2] == [record.message for record in made]
    assert len(readings) == 1


def test_a_full_disk_names_the_folder_and_the_way_out() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    with pytest.raises(UserError, match=r"/dev has no space for the results .*TMPDIR"):
        write_spool(full, film(["sad"] * 100))


FAR_NS = 600_000 * MS


def test_sound_of_an_unknown_time_does_not_put_hours_of_silence_before_the_rest(
    tmp_path: Path,
) -> None:
    early, *known = (sound(number, 32 * number) for number in range(10))
    unknown = replace(early.message, stamp=Stamp(FAR_NS, "far", 0, None))
    first = arrived(AUDIO, unknown, early.payload)
    session = make_session(tmp_path / "s", [first, *known])
    recording = session_recording(session.path, tmp_path / "spool")
    samples = sum(map(len, recording.sound("microphone", Resampler)))
    assert samples == SAMPLE_RATE * 320 // 1000
