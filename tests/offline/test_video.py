"""The annotated video, read back by FFmpeg's decoders."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from capture.demo import CLIP, load_truth
from capture.media_file import open_media
from capture.resample import Sound
from display.palette import EMOTION_COLOURS, bgr
from display.scene import Picture
from messaging.errors import UserError
from messaging.schema import Emotion, FaceEmotions
from offline.open_recording import media_recording
from offline.recording import Convert, Recording, Shot
from offline.spool import write_spool
from offline.video import write_video
from tests.capture.clips import make_clip
from tests.offline.scenes import MS, film, recording

RATE = 48_000


@pytest.fixture(scope="module")
def annotated(demo: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "demo.mp4"
    write_video(demo, path)
    return path


def pictures(path: Path) -> Iterator[tuple[float, Picture]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            yield frame.time, cast("Picture", frame.to_ndarray(format="bgr24"))


def sound(path: Path, stream: int = 0) -> tuple[float, np.ndarray, int]:
    """Begin in seconds, mono samples, rate."""
    with av.open(str(path)) as container:
        frames: list[Any] = list(container.decode(audio=stream))
        samples = np.concatenate([f.to_ndarray().mean(axis=0) for f in frames])
        return float(frames[0].time), samples, frames[0].sample_rate


def test_it_is_h264_and_aac_that_play_everywhere(annotated: Path) -> None:
    with av.open(str(annotated)) as container:
        film, voice = container.streams.video[0], container.streams.audio[0]
        assert (film.codec.name, film.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (voice.codec.name, voice.codec_context.sample_rate) == ("aac", RATE)
        head = annotated.read_bytes()
        assert head.index(b"moov") < head.index(b"mdat")  # plays before all has come


def test_every_picture_is_there_at_its_own_time(annotated: Path) -> None:
    assert [at for at, _ in pictures(annotated)] == [at for at, _ in pictures(CLIP)]


def test_the_sound_is_that_of_the_file_at_its_own_time(annotated: Path) -> None:
    begin_s, found, rate = sound(annotated)
    _, original, original_rate = sound(CLIP)
    assert begin_s == 0
    assert len(found) / rate == pytest.approx(len(original) / original_rate, abs=0.1)
    kept = found[:: rate // original_rate][: len(original)]
    shifts = range(-40, 41)
    cut = slice(1000, len(kept) - 1000)
    likeness = [np.corrcoef(np.roll(kept, shift)[cut], original[: len(kept)][cut])[0, 1]
                for shift in shifts]  # fmt: skip
    best = int(np.argmax(likeness))
    assert abs(shifts[best]) / original_rate <= 0.001
    assert likeness[best] > 0.95


def has_colour(picture: Picture, emotion: Emotion) -> int:
    """Pixels that are about as the emotion's boxes are painted."""
    distance = np.abs(picture.astype(int) - bgr(EMOTION_COLOURS[emotion])).max(axis=2)
    return int((distance < 40).sum())


def test_the_face_has_its_box_in_the_colour_of_what_it_shows(
    annotated: Path, demo: Recording
) -> None:
    results = [r for r in demo.results() if isinstance(r, FaceEmotions) and r.faces]
    middles: list[tuple[float, Emotion]] = [
        ((phase.start_s + load_truth().transition_s + phase.end_s) / 2, phase.label)
        for phase in load_truth().expressions
    ]
    shown = list(pictures(annotated))
    for middle, emotion in middles:
        at, picture = min(shown, key=lambda each: abs(each[0] - middle))
        result = min(results, key=lambda r: abs(r.stamp.pipeline_ns / 1e9 - at))
        assert result.faces[0].label == emotion
        left, top, width, height = result.faces[0].box
        row = picture[round(top + 0.5 * height)]
        for edge in (left, left + width):
            around = row[np.newaxis, max(0, round(edge) - 4) : round(edge) + 5]
            assert has_colour(around, emotion), (emotion, edge)


def test_the_voice_has_its_label_while_it_speaks(annotated: Path) -> None:
    truth = load_truth()
    shown = list(pictures(annotated))
    for spoken in truth.utterances:
        middle = (spoken.onset_s + spoken.offset_s) / 2
        _, picture = min(shown, key=lambda each: abs(each[0] - middle))
        foot = picture[-45:, 320:]
        assert has_colour(foot, spoken.label) > 30
    _, before = shown[5]
    colours: tuple[Emotion, ...] = ("happy", "angry")
    assert not any(has_colour(before[-45:, 320:], each) for each in colours)


def unlabelled(path: Path) -> Recording:
    """A file whose pictures nobody analysed."""
    spool = path.with_suffix(".spool")
    write_spool(spool, [])
    return media_recording(open_media(path), "clip", spool)


def test_pictures_at_odd_times_and_late_sound_stay_where_they_were(tmp_path: Path) -> None:
    """A variable frame rate, and sound that begins 300 ms after the pictures."""
    times = [0, 33, 50, 400, 410, 1000, 1900]
    clip = make_clip(tmp_path / "odd.mp4", pictures_ms=times, size=(98, 74), sound_from_s=0.3)
    write_video(unlabelled(clip), tmp_path / "out.mp4")
    found = list(pictures(tmp_path / "out.mp4"))
    assert [round(1000 * at) for at, _ in found] == times
    assert found[0][1].shape == (74, 98, 3)
    begin_s, samples, rate = sound(tmp_path / "out.mp4")
    assert begin_s + int(np.abs(samples).argmax()) / rate == pytest.approx(1.0, abs=0.005)


def test_an_odd_size_is_made_even(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "odd.mkv", "ffv1", None, pictures_ms=[0, 40], size=(65, 49))
    write_video(unlabelled(clip), tmp_path / "out.mp4")
    assert [picture.shape for _, picture in pictures(tmp_path / "out.mp4")] == [(50, 66, 3)] * 2


def test_a_film_without_sound_has_no_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "mute.mp4", audio=None)
    write_video(unlabelled(clip), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
        assert container.streams.video[0].frames == 50


def test_sound_without_pictures_makes_no_video(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "voice.wav", video=None, audio="pcm_s16le")
    with pytest.raises(UserError, match="has no pictures"):
        write_video(unlabelled(clip), tmp_path / "out.mp4")


def test_cameras_stand_side_by_side_and_microphones_have_tracks_of_their_own(
    tmp_path: Path,
) -> None:
    """As in a session of two people; the second one's microphone clicks half a second later."""
    dark, bright = (np.full((240, 320, 3), shade, np.uint8) for shade in (60, 180))

    def shots() -> Iterator[Shot]:
        for at_ms in range(0, 2000, 40):
            yield Shot(at_ms * MS, "left", dark)
            yield Shot((at_ms + 7) * MS, "right", bright)

    def clicks(microphone: str, convert: Convert) -> Iterator[Sound]:
        if microphone == "silent":
            return
        block = np.zeros((32_000, 1), np.int16)
        block[8_000 if microphone == "one" else 16_000] = 30_000
        converter = convert(16_000, 1)
        yield converter.feed(block)
        yield converter.flush()

    two = replace(
        recording(film(["happy"] * 50, "left")),
        cameras=("left", "right"),
        microphones=("one", "two", "silent"),
        shots=shots,
        sound=clicks,
    )
    write_video(two, tmp_path / "out.mp4")
    shown = list(pictures(tmp_path / "out.mp4"))
    assert len(shown) == 50
    assert all(0 < other - one < 0.08 for (one, _), (other, _) in pairwise(shown))
    width = shown[0][1].shape[1]
    assert width == 640
    middle = shown[10][1][150:158]
    assert middle[:, 290:310].mean() == pytest.approx(60, abs=12)
    assert middle[:, -30:-10].mean() == pytest.approx(180, abs=12)
    for stream, click_s in ((0, 0.5), (1, 1.0)):
        begin_s, samples, rate = sound(tmp_path / "out.mp4", stream)
        at_s = begin_s + int(np.abs(samples).argmax()) / rate
        assert at_s == pytest.approx(click_s, abs=0.005)
