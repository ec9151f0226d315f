"""Pictures and sound of real files, made here or recorded, at their own times."""

import gc
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from capture.media_file import MediaFile, Unreadable, open_media
from messaging.errors import UserError
from tests.capture.clips import BLOCK, make_clip, shade, spoil
from tests.capture.odd_clips import make_film

GRID = Path(__file__).parents[2].parent / "shared" / "media" / "grid"
MS = 1_000_000

TALKING = {
    "mp4": ("libx264", "aac", 2),
    "mkv": ("libx264", "aac", 2),
    "mov": ("libx264", "pcm_s16le", 0),
    "mpg": ("mpeg1video", "mp2", 2),
    "ts": ("libx264", "aac", 2),
}


def brightness(pixels: NDArray[np.uint8]) -> float:
    return float(pixels[-8:, -8:].mean())


def sound_of(file: MediaFile) -> NDArray[np.int16]:
    return np.concatenate([np.empty(0, np.int16), *file.sound()])


def click_ns(file: MediaFile) -> float:
    return float(np.abs(sound_of(file).astype(int)).argmax()) * 62_500


@pytest.mark.parametrize("kind", TALKING)
def test_picture_and_sound_keep_their_relation_in_every_container(
    kind: str, tmp_path: Path
) -> None:
    video, audio, b_frames = TALKING[kind]
    file = open_media(make_clip(tmp_path / f"clip.{kind}", video, audio, b_frames=b_frames))
    pictures = list(file.pictures())
    first_ns = pictures[0].at_ns

    assert [round((p.at_ns - first_ns) / MS) for p in pictures] == list(range(0, 2000, 40))
    assert [brightness(p.pixels) for p in pictures] == pytest.approx(
        [shade(i) for i in range(50)], abs=6
    )
    assert click_ns(file) - first_ns == pytest.approx(1000 * MS, abs=1 * MS)
    assert file.interval_ns == 40 * MS
    assert not list(file.damage.sentences())


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov"])
def test_file_time_is_that_of_the_container(kind: str, tmp_path: Path) -> None:
    video, audio, b_frames = TALKING[kind]
    file = open_media(make_clip(tmp_path / f"clip.{kind}", video, audio, b_frames=b_frames))
    assert [p.at_ns for p in file.pictures()] == [ms * MS for ms in range(0, 2000, 40)]


@pytest.mark.parametrize("kind", ["mpg", "ts"])
def test_a_file_that_starts_late_starts_at_0(kind: str, tmp_path: Path) -> None:
    video, audio, b_frames = TALKING[kind]
    file = open_media(make_clip(tmp_path / f"clip.{kind}", video, audio, b_frames=b_frames))
    assert file.zero > 0
    assert 0 <= next(file.pictures()).at_ns < 30 * MS


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov"])
def test_sound_that_starts_after_the_pictures_stays_there(kind: str, tmp_path: Path) -> None:
    video, audio, _ = TALKING[kind]
    clip = make_clip(tmp_path / f"clip.{kind}", video, audio, sound_from_s=0.5, click_s=1.0)
    file = open_media(clip)
    assert next(file.pictures()).at_ns == 0
    assert click_ns(file) == pytest.approx(1000 * MS, abs=1 * MS)
    assert file.damage.missing_ns == 0


def test_pictures_that_start_after_the_sound_stay_there(tmp_path: Path) -> None:
    times = range(600, 2000, 40)
    file = open_media(make_clip(tmp_path / "clip.mkv", pictures_ms=times, click_s=1.0))
    assert [p.at_ns for p in file.pictures()] == [ms * MS for ms in times]
    assert click_ns(file) == pytest.approx(1000 * MS, abs=1 * MS)


def test_a_variable_rate_is_kept(tmp_path: Path) -> None:
    times = [0, 40, 73, 200, 201, 900, 933]
    file = open_media(make_clip(tmp_path / "clip.mkv", pictures_ms=times, b_frames=2))
    assert [p.at_ns for p in file.pictures()] == [ms * MS for ms in times]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_sound_alone_is_16_khz_mono_of_the_same_length(rate: int, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.wav", None, "pcm_s16le", rate=rate)
    file = open_media(clip)
    assert file.video is None
    assert list(file.pictures()) == []
    assert len(sound_of(file)) == pytest.approx(32_000, abs=2 * 16_000 * BLOCK / rate)
    assert click_ns(file) == pytest.approx(1000 * MS, abs=0.1 * MS)


def test_samples_of_64_bits_are_heard(tmp_path: Path) -> None:
    """A format that PyAV makes no array of."""
    samples = (np.sin(np.arange(16_000) * 0.2) * 2**62).astype("<i8").tobytes()
    layout = struct.pack("<HHIIHH", 1, 1, 16_000, 16_000 * 8, 8, 64)
    chunks = [(b"fmt ", layout), (b"data", samples)]
    body = b"".join(name + struct.pack("<I", len(part)) + part for name, part in chunks)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    sound = sound_of(open_media(clip))
    assert len(sound) == 16_000
    assert np.abs(sound).max() == pytest.approx(2**14, rel=0.01)


def test_pictures_alone(tmp_path: Path) -> None:
    file = open_media(make_clip(tmp_path / "clip.mp4", audio=None))
    assert file.audio is None
    assert list(file.sound()) == []
    assert len(list(file.pictures())) == 50


def test_a_hole_in_the_sound_is_silence_and_what_follows_keeps_its_time(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", audio="pcm_s16le", hole_s=(0.5, 1.2), click_s=1.5)
    file = open_media(clip)
    assert click_ns(file) == pytest.approx(1500 * MS, abs=1 * MS)
    assert list(file.damage.sentences()) == ["0.700 s of sound are missing, played as silence"]


@pytest.mark.parametrize(
    ("rotation", "mirrored", "corner"),
    [
        (0, False, (0, 0)),
        (90, False, (-1, 0)),
        (-90, False, (0, -1)),
        (180, False, (-1, -1)),
        (0, True, (0, -1)),
        (180, True, (-1, 0)),
        (90, True, (-1, -1)),
        (-90, True, (0, 0)),
    ],
)
def test_a_turned_or_mirrored_picture_is_put_upright(
    rotation: int, mirrored: bool, corner: tuple[int, int], tmp_path: Path
) -> None:
    """``rotation`` is counter-clockwise, before the mirror; the corner starts top left."""
    clip = make_clip(
        tmp_path / "clip.mp4", audio=None, rotation=rotation, mirrored=mirrored, pictures_ms=[0]
    )
    file = open_media(clip)
    pixels = next(file.pictures()).pixels
    white = {
        (row, column): float(pixels[row, column].mean()) for row in (0, -1) for column in (0, -1)
    }
    assert max(white, key=white.__getitem__) == corner
    assert pixels.shape == ((64, 48, 3) if rotation % 180 else (48, 64, 3))
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("kind", "size", "stretch", "rotation", "shown"),
    [
        ("mp4", (720, 576), Fraction(64, 45), 0, (1024, 576)),  # PAL, 16:9
        ("mkv", (720, 576), Fraction(16, 15), 0, (768, 576)),
        ("mp4", (720, 480), Fraction(8, 9), 0, (640, 480)),
        ("mp4", (720, 576), Fraction(64, 45), 90, (576, 1024)),
        ("mp4", (720, 576), Fraction(1000, 1), 0, (720, 576)),  # nobody means that
        ("mp4", (720, 576), None, 0, (720, 576)),
    ],
)
def test_pixels_that_are_not_square_are_made_so(
    kind: str,
    size: tuple[int, int],
    stretch: Fraction | None,
    rotation: int,
    shown: tuple[int, int],
    tmp_path: Path,
) -> None:
    clip = make_clip(
        tmp_path / f"clip.{kind}",
        audio=None,
        size=size,
        stretch=stretch,
        rotation=rotation,
        pictures_ms=[0],
    )
    pixels = next(open_media(clip).pictures()).pixels
    assert pixels.shape == (shown[1], shown[0], 3)
    assert pixels.flags.c_contiguous
    corner = pixels[-shown[1] // 4 :, : shown[0] // 4] if rotation else pixels
    assert corner[4 : shown[1] // 4 - 4, 4 : shown[0] // 4 - 4].mean() > 240


def test_a_decoded_picture_is_let_go_without_the_garbage_collector(tmp_path: Path) -> None:
    file = open_media(make_clip(tmp_path / "clip.mp4", "libx264", None))
    gc.collect()
    gc.disable()
    try:
        most = max(
            sum(isinstance(each, VideoFrame) for each in gc.get_objects()) for _ in file.pictures()
        )
    finally:
        gc.enable()
    assert 0 < most < 10


@pytest.mark.parametrize("size", [(66, 50), (130, 98), (360, 288)])
def test_pictures_of_any_width_are_contiguous(size: tuple[int, int], tmp_path: Path) -> None:
    file = open_media(make_clip(tmp_path / "clip.mp4", audio=None, size=size))
    for picture in file.pictures():
        assert picture.pixels.flags.c_contiguous
        assert picture.pixels.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("audio", ["aac", None])
def test_pictures_that_nobody_can_decode_are_told(audio: str | None, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", audio=audio)
    clip.write_bytes(clip.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_XXXXX/ISO/AVC"))
    if audio is None:
        with pytest.raises(UserError, match="no pictures or sound to play"):
            open_media(clip)
        return
    file = open_media(clip)
    assert file.video is None
    assert click_ns(file) == pytest.approx(1000 * MS, abs=1 * MS)
    assert list(file.damage.sentences()) == [
        "its pictures cannot be decoded and will not be played"
    ]


def test_the_cover_of_a_piece_of_music_is_no_film(tmp_path: Path) -> None:
    file = open_media(make_clip(tmp_path / "song.mp4", "mjpeg", pictures_ms=[0], cover=True))
    assert file.video is None
    assert click_ns(file) == pytest.approx(1000 * MS, abs=1 * MS)
    assert not list(file.damage.sentences())


def test_what_is_no_media_file_is_named_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a film\n" * 100)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    subtitles = tmp_path / "clip.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    for path, reason in [
        (tmp_path / "missing.mp4", "no media file"),
        (tmp_path, "is no file"),
        (text, "cannot be played"),
        (empty, "is empty"),
        (subtitles, "no pictures or sound"),
    ]:
        with pytest.raises(UserError, match=reason) as caught:
            open_media(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["mkv", "mpg"])
def test_a_file_that_breaks_off_plays_as_far_as_it_goes_and_says_so(
    kind: str, tmp_path: Path
) -> None:
    video, audio, _ = TALKING[kind]
    whole = make_clip(tmp_path / f"whole.{kind}", video, audio, size=(320, 240)).read_bytes()
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    file = open_media(cut)
    assert 10 < len(list(file.pictures())) < 50
    assert len(sound_of(file)) > 1600
    assert list(file.damage.sentences())


def test_damage_in_the_middle_is_counted_and_the_rest_plays(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mpg", "mpeg1video", "mp2", size=(320, 240))
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    clip.write_bytes(data)
    file = open_media(clip)
    pictures = list(file.pictures())
    assert pictures[-1].at_ns > 1900 * MS
    assert len(sound_of(file)) > 1.9 * 16_000
    assert list(file.damage.sentences())


def test_a_film_whose_pictures_cannot_be_decoded_is_told_while_it_is_read(tmp_path: Path) -> None:
    """Not as one burst at its end."""
    clip = make_clip(tmp_path / "clip.mp4", audio=None, pictures_ms=range(0, 4000, 40))
    spoil(clip, range(400, 4000))
    file = open_media(clip)
    while_read = [file.damage.packets for each in file.taken() if isinstance(each, Unreadable)]
    assert len(while_read) == 90
    assert max(told - place for place, told in enumerate(while_read)) <= 17


def test_pictures_that_cannot_be_decoded_keep_their_place(tmp_path: Path) -> None:
    """With B-frames the decoder finds a damaged picture before it gives out earlier ones."""
    clip = make_clip(tmp_path / "clip.mp4", audio=None, b_frames=2, size=(320, 240))
    spoil(clip, range(800, 1000, 40))
    taken = list(open_media(clip).taken())
    assert [(each.index, each.at_ns) for each in taken] == [(i, i * 40 * MS) for i in range(50)]
    lost = [each.at_ns // MS for each in taken if isinstance(each, Unreadable)]
    assert lost
    assert set(lost) <= set(range(800, 1000, 40))


def test_a_picture_that_comes_at_no_later_time_has_a_number_and_no_more(tmp_path: Path) -> None:
    parts = [make_film(tmp_path / "a.ts", "mpeg2video", "yuv420p", count=10).read_bytes()] * 2
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(parts))
    file = open_media(both)
    taken = list(file.taken())
    assert [each.index for each in taken] == list(range(len(taken)))
    assert sum(isinstance(each, Unreadable) for each in taken) == file.damage.backward >= 9
    assert all(a.at_ns < b.at_ns for a, b in pairwise(taken))


@pytest.mark.skipif(not GRID.is_dir(), reason="the GRID clips are not there")
@pytest.mark.parametrize("clip", sorted(GRID.glob("*.mpg")), ids=lambda path: path.stem)
def test_a_recorded_clip_has_75_pictures_and_3_s_of_sound(clip: Path) -> None:
    file = open_media(clip)
    assert [p.at_ns for p in file.pictures()] == [i * 40 * MS for i in range(75)]
    assert len(sound_of(file)) / 16_000 == pytest.approx(131_328 / 44_100, abs=1e-3)
    assert not list(file.damage.sentences())
