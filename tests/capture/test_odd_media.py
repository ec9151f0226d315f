"""Media in the forms that cameras, phones, studios and the web make: the same pictures, the same
sound.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.media import Source, messages
from capture.media_file import MediaFile, Picture, Unreadable, open_media
from capture.resample import SAMPLE_RATE
from capture.voice_activity import VoiceActivity
from config.settings import VoiceActivitySettings
from messaging.errors import UserError
from messaging.schema import SpeechEvent, VideoFrame
from tests.capture.clips import make_clip, shade
from tests.capture.odd_clips import Size, make_film, make_sound
from tests.capture.talk import at, talk

MS = 1_000_000
WIRE = (7680, 4320)

FILMS: dict[str, tuple[str, str, Size, dict[str, str]]] = {
    "10-bit.mp4": ("libx264", "yuv420p10le", (64, 48), {}),
    "10-bit.mkv": ("libx265", "yuv420p10le", (64, 48), {"x265-params": "log-level=none"}),
    "10-bit.mov": ("prores_ks", "yuv422p10le", (64, 48), {}),
    "16-bit grey.mkv": ("ffv1", "gray16le", (64, 48), {}),
    "whole colour.mp4": ("libx264", "yuv444p", (64, 48), {}),
    "interlaced.mpg": ("mpeg2video", "yuv420p", (64, 48), {"flags": "+ilme+ildct"}),
    "b-frames.mp4": ("libx264", "yuv420p", (64, 48), {"bf": "3", "b_strategy": "0"}),
    "b-frames.mkv": ("mpeg4", "yuv420p", (64, 48), {"bf": "2"}),
    "web.webm": ("libvpx-vp9", "yuv420p", (64, 48), {}),
    "old.avi": ("mjpeg", "yuvj420p", (64, 48), {}),
    "bare.h264": ("libx264", "yuv420p", (64, 48), {}),
    "bare.mjpeg": ("mjpeg", "yuvj420p", (64, 48), {}),
    "moving.gif": ("gif", "gray", (64, 48), {}),
    "moving.apng": ("apng", "rgba", (64, 48), {}),
    "odd.mp4": ("libx264", "yuv444p", (641, 479), {}),
    "odd.mkv": ("ffv1", "bgr0", (641, 479), {}),
    "one pixel.mkv": ("ffv1", "bgr0", (1, 1), {}),
    "one line.mkv": ("ffv1", "bgr0", (641, 1), {}),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_film_gives_its_25_pictures_at_their_times(name: str, tmp_path: Path) -> None:
    codec, pixel_format, size, options = FILMS[name]
    file = open_media(make_film(tmp_path / name, codec, pixel_format, size, options))
    pictures = list(file.pictures())
    assert [round(p.at_ns / MS) for p in pictures] == list(range(0, 1000, 40))
    assert {p.pixels.shape for p in pictures} == {(size[1], size[0], 3)}
    assert all(p.pixels.flags.c_contiguous and p.pixels.dtype == np.uint8 for p in pictures)
    assert [p.pixels.mean() for p in pictures] == pytest.approx(
        [shade(i) for i in range(25)], abs=6
    )
    assert file.audio is None
    assert not list(file.damage.sentences())


@pytest.mark.parametrize(
    ("name", "codec", "count"),
    [("a.mkv", "libx264", 25), ("a.avi", "mpeg4", 25), ("a.ts", "mpeg2video", 25)],
)
def test_times_before_0_start_at_0(name: str, codec: str, count: int, tmp_path: Path) -> None:
    file = open_media(make_film(tmp_path / name, codec, "yuv420p", first=-10))
    assert [round(p.at_ns / MS) for p in file.pictures()] == [40 * i for i in range(count)]


def test_b_frames_in_avi_come_one_picture_late(tmp_path: Path) -> None:
    """AVI knows the order of decoding alone; every player shows them so."""
    file = open_media(make_film(tmp_path / "a.avi", "mpeg4", "yuv420p", options={"bf": "2"}))
    assert [p.at_ns for p in file.pictures()] == [40 * i * MS for i in range(1, 26)]


def test_what_an_edit_list_cuts_away_is_not_played(tmp_path: Path) -> None:
    """MP4 keeps the pictures before time 0, and says that they are not shown."""
    file = open_media(make_film(tmp_path / "a.mp4", "libx264", "yuv420p", first=-10))
    assert [p.at_ns for p in file.pictures()] == [40 * i * MS for i in range(15)]


def test_pictures_before_time_0_keep_their_relation_to_the_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", pictures_ms=range(-400, 1000, 40), click_s=0.6)
    file = open_media(clip)
    assert next(file.pictures()).at_ns == 0
    assert click_s(file) == pytest.approx(1.0, abs=2e-3)


SOUNDS = {
    "a.wav": ("pcm_s16le", 44_100, "stereo"),
    "24-bit.wav": ("pcm_s24le", 96_000, "mono"),
    "8-bit.wav": ("pcm_u8", 8_000, "mono"),
    "float.wav": ("pcm_f32le", 192_000, "stereo"),
    "5.1.wav": ("pcm_s16le", 48_000, "5.1"),
    "5.1.mkv": ("ac3", 48_000, "5.1"),
    "5.1.mp4": ("aac", 48_000, "5.1"),
    "5.1.webm": ("libopus", 48_000, "5.1"),
    "7.1.flac": ("flac", 48_000, "7.1"),
    "quad.flac": ("flac", 48_000, "quad"),
    "a.mp3": ("libmp3lame", 44_100, "stereo"),
    "a.ogg": ("libopus", 48_000, "stereo"),
    "a.flac": ("flac", 44_100, "stereo"),
    "a.m4a": ("alac", 44_100, "stereo"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_is_heard_at_its_time(name: str, tmp_path: Path) -> None:
    codec, rate, layout = SOUNDS[name]

    def click(channels: int) -> NDArray[np.float32]:
        samples = np.zeros((rate, channels), np.float32)
        samples[rate // 2] = 0.9
        return samples

    file = open_media(make_sound(tmp_path / name, codec, rate, layout, click))
    assert click_s(file) == pytest.approx(0.5, abs=1e-3)
    assert len(sound_of(file)) / SAMPLE_RATE == pytest.approx(1.0, abs=0.05)
    assert file.video is None
    assert not list(file.damage.sentences())


def test_a_voice_in_the_centre_of_surround_sound_is_as_loud_as_alone(tmp_path: Path) -> None:
    voice = talk()[: at(3)]

    def centre(channels: int) -> NDArray[np.float32]:
        samples = np.zeros((len(voice), channels), np.float32)
        samples[:, 2] = voice / 32768
        samples[:, 3] = 0.5  # the loudspeaker for the bass
        return samples

    file = open_media(make_sound(tmp_path / "a.flac", "flac", SAMPLE_RATE, "5.1", centre))
    heard = sound_of(file)[: len(voice)]
    assert np.abs(heard.astype(int) - voice).max() <= 2


@pytest.mark.parametrize(("film_ms", "sound_s"), [(400, 2.0), (2000, 0.4)])
def test_pictures_and_sound_close_each_at_their_own_end(
    film_ms: int, sound_s: float, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mkv", pictures_ms=range(0, film_ms, 40), sound_s=sound_s)
    everything = messages(
        open_media(clip), VoiceActivity(VoiceActivitySettings()), Source("clip"), lambda: True
    )
    closed: dict[type, float] = {
        type(said.message): said.message.stamp.captured_ns / 1e9
        for said in everything
        if said.message.event == "closed"
    }
    assert closed[VideoFrame] == pytest.approx(film_ms / 1000)
    assert closed[SpeechEvent] == pytest.approx(sound_s, abs=0.05)


def test_of_two_films_in_a_file_the_first_is_played(tmp_path: Path) -> None:
    file = open_media(make_film(tmp_path / "a.mkv", "libx264", "yuv420p", streams=2))
    assert [p.pixels.mean() for p in file.pictures()] == pytest.approx(
        [shade(i) for i in range(25)], abs=6
    )


def test_a_size_that_changes_on_the_way_is_followed(tmp_path: Path) -> None:
    parts = [
        make_film(tmp_path / f"{first}.ts", "mpeg2video", "yuv420p", size, count=10, first=first)
        for first, size in ((0, (64, 48)), (10, (128, 96)))
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    shapes = [p.pixels.shape for p in open_media(both).pictures()]
    assert shapes[0] == (48, 64, 3)
    assert shapes[-1] == (96, 128, 3)
    assert len(shapes) >= 19


@pytest.mark.parametrize("size", [(16_400, 16), (16, 16_400), (WIRE[0] + 2, WIRE[1] + 2)])
def test_pictures_that_no_message_can_carry_are_refused(size: Size, tmp_path: Path) -> None:
    film = make_film(tmp_path / "huge.mjpeg", "mjpeg", "yuvj420p", size, count=1)
    with pytest.raises(UserError, match=rf"too large \({size[0]} x {size[1]}\); scale them down"):
        open_media(film)


def test_pictures_that_are_too_wide_once_their_pixels_are_square_are_refused(
    tmp_path: Path,
) -> None:
    clip = make_clip(
        tmp_path / "wide.mp4",
        audio=None,
        size=(4096, 3072),
        stretch=Fraction(4),
        pictures_ms=[0],
    )
    with pytest.raises(UserError, match=r"too large \(16384 x 3072\)"):
        open_media(clip)


def test_a_huge_picture_on_the_way_is_left_out_and_told(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mjpeg", "mjpeg", "yuvj420p", count=10)
    huge = make_film(tmp_path / "huge.mjpeg", "mjpeg", "yuvj420p", (16_400, 16), count=1)
    film.write_bytes(film.read_bytes() + huge.read_bytes() + film.read_bytes())
    file = open_media(film)
    taken = list(file.taken())
    assert {p.pixels.shape for p in taken if isinstance(p, Picture)} == {(48, 64, 3)}
    assert [p.index for p in taken] == list(range(len(taken)))
    assert [p.index for p in taken if isinstance(p, Unreadable)] == [10]
    assert list(file.damage.sentences()) == [
        "1 pictures left out, they are larger than 7680 x 4320"
    ]


def test_a_time_that_is_far_off_is_not_waited_for(tmp_path: Path) -> None:
    """More than an hour, in a file that does not say how long it is."""
    clip = make_clip(
        tmp_path / "clip.mkv",
        audio="pcm_s16le",
        options={"live": "1"},
        hole_s=(0.5, 4000.5),
        sound_s=1.0,
    )
    file = open_media(clip)
    assert file.damage.stated_ns == 0
    assert len(sound_of(file)) / SAMPLE_RATE == pytest.approx(1.0, abs=0.05)
    assert all("times are far off" in sentence for sentence in file.damage.sentences())
    assert file.damage.leaps


def sound_of(file: MediaFile) -> NDArray[np.int16]:
    return np.concatenate([np.empty(0, np.int16), *file.sound()])


def click_s(file: MediaFile) -> float:
    return float(np.abs(sound_of(file).astype(int)).argmax()) / SAMPLE_RATE
