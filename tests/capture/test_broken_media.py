"""Files that are cut, damaged, no media, unreadable, or change while they play."""

import os
import shutil
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from capture import reader
from capture.media_file import MediaFile, open_media
from capture.resample import SAMPLE_RATE
from messaging.errors import UserError
from tests.capture.clips import make_clip

FORMS = {
    "mp4": ("libx264", "aac"),
    "mkv": ("libx264", "aac"),
    "webm": ("libvpx", "libopus"),
    "mov": ("libx264", "pcm_s16le"),
    "mpg": ("mpeg1video", "mp2"),
    "ts": ("mpeg2video", "mp2"),
    "avi": ("mpeg4", "pcm_s16le"),
    "wav": (None, "pcm_s16le"),
    "mp3": (None, "libmp3lame"),
    "flac": (None, "flac"),
    "ogg": (None, "libopus"),
}
DAMAGES = 8
NOBODY = 65_534
posix = pytest.mark.skipif(os.name != "posix", reason="rights and pipes are POSIX's")


def a_second(path: Path, form: str) -> bytes:
    video, audio = FORMS[form]
    times = range(0, 1000, 40)
    return make_clip(
        path, video, audio, rate=48_000, sound_s=1.0, pictures_ms=times, click_s=0.5
    ).read_bytes()


def plays_or_is_refused(path: Path) -> bool:
    """Whether it played."""
    try:
        file = open_media(path)
    except UserError as error:
        refused = str(error)
    else:
        plays(file)
        return True
    assert str(path) in refused
    assert "\n" not in refused
    return False


def plays(file: MediaFile) -> None:
    """To its end, which is near, with times that increase."""
    last_ns = -1
    for picture in file.pictures():
        assert picture.at_ns > last_ns
        last_ns = picture.at_ns
    seconds = sum(map(len, file.sound())) / SAMPLE_RATE
    sentences = list(file.damage.sentences())
    assert seconds < 2 or any("sound are missing" in sentence for sentence in sentences)
    assert all("\n" not in sentence for sentence in sentences)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_cut_anywhere_plays_as_far_as_it_goes_or_is_refused(
    form: str, tmp_path: Path
) -> None:
    path = tmp_path / f"clip.{form}"
    whole = a_second(path, form)
    cuts = np.random.default_rng(7).integers(1, len(whole), DAMAGES)
    for length in map(int, cuts):
        path.write_bytes(whole[:length])
        plays_or_is_refused(path)
    path.write_bytes(whole[:-1])
    assert plays_or_is_refused(path) or form in ("mp4", "mov")


@pytest.mark.parametrize("form", ["mp4", "mov"])
def test_a_file_that_lacks_the_index_at_its_end_is_refused(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{form}"
    whole = a_second(path, form)
    path.write_bytes(whole[: whole.index(b"moov") - 4])
    with pytest.raises(UserError, match="cannot be played"):
        open_media(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reach", [1.0, 0.1])
def test_bytes_that_changed_anywhere_or_in_the_head_do_no_more_harm(
    form: str, reach: float, tmp_path: Path
) -> None:
    path = tmp_path / f"clip.{form}"
    whole = a_second(path, form)
    for seed in range(DAMAGES):
        random = np.random.default_rng(seed)
        data = bytearray(whole)
        for at in random.integers(0, int(len(data) * reach), int(random.integers(1, 20))):
            data[at] = int(random.integers(256))
        path.write_bytes(data)
        plays_or_is_refused(path)


def test_noise_is_no_media_file(tmp_path: Path) -> None:
    for seed, length in enumerate((1, 10, 1000, 100_000)):
        for form in ("mp4", "mpg", "avi", "wav"):
            path = tmp_path / f"noise.{form}"
            path.write_bytes(np.random.default_rng(seed).bytes(length))
            with pytest.raises(UserError, match="cannot be played"):
                open_media(path)


@pytest.mark.parametrize("name", ["text.mp4", "text.txt", "text.nfo", "text.srt", "text.py"])
def test_a_text_is_no_film(name: str, tmp_path: Path) -> None:
    """FFmpeg would draw some of them."""
    path = tmp_path / name
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 100)
    with pytest.raises(UserError, match=r"cannot be played|no pictures or sound"):
        open_media(path)


@posix
@pytest.mark.parametrize("what", ["pipe", "/dev/zero", "loop", "x" * 300, "zero\0byte", "folder"])
def test_what_is_no_file_is_refused_and_never_waited_for(what: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"no media file|is no file|cannot be read") as caught:
        open_media(tmp_path / what)
    assert "\n" not in str(caught.value)


@contextmanager
def without_rights() -> Generator[None]:
    """Root may read everything, so it steps aside."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@posix
@pytest.mark.parametrize("closed", ["clip.mp4", "."])
def test_a_file_without_rights_or_in_a_folder_without_is_told(closed: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    (tmp_path / closed).chmod(0)
    with without_rights(), pytest.raises(UserError, match="Permission denied") as caught:
        open_media(clip)
    tmp_path.chmod(0o700)
    assert str(caught.value) == (
        f"{clip} cannot be read (Permission denied); check the path and its permissions"
    )


NAMES = [
    b"two words.mp4",
    b"two\nlines.mp4",
    b"%03d.mp4",
    b"'quoted\".mp4",
    b"-dash.mp4",
    b"http:x.mp4",
    b"concat:a|b.mp4",
    "日本½é.mp4".encode(),
    b".mp4",
    b"clip",
    b"#?&.mp4",
    b"bytes\xff\xfe.mp4",
]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are not any bytes")
def test_a_name_may_be_anything(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "original.mp4", pictures_ms=range(0, 200, 40))
    for name in NAMES:
        path = tmp_path / os.fsdecode(name)
        shutil.copy(clip, path)
        assert len(list(open_media(path).pictures())) == 5
        path.write_bytes(b"")
        with pytest.raises(UserError, match="is empty") as caught:
            open_media(path)
        str(caught.value).encode()
        assert "\n" not in str(caught.value)


def test_a_playlist_leads_nowhere(tmp_path: Path) -> None:
    """A file that is given to be played must not make this machine ask another one."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/x.ts"
        playlists = {
            "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
            "a.ffconcat": f"ffconcat version 1.0\nfile {url}\n",
            "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        }
        for name, text in playlists.items():
            (tmp_path / name).write_text(text)
            with pytest.raises(UserError, match="cannot be played"):
                open_media(tmp_path / name)
        server.shutdown()
    assert not asked


def test_a_file_that_is_deleted_before_it_plays_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    file = open_media(clip)
    clip.unlink()
    with pytest.raises(UserError, match="no media file"):
        next(file.pictures())


@posix
def test_a_file_that_is_deleted_while_it_plays_plays_on(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    pictures = open_media(clip).pictures()
    next(pictures)
    clip.unlink()
    assert len(list(pictures)) == 49


def test_a_file_that_grows_plays_to_where_it_has_come(tmp_path: Path) -> None:
    """A recording that is still written: what comes while it plays is played, too."""
    whole = make_clip(tmp_path / "whole.mkv", size=(320, 240), options={"live": "1"}).read_bytes()
    clip = tmp_path / "clip.mkv"
    clip.write_bytes(whole[: len(whole) // 2])
    assert len(list(open_media(clip).pictures())) < 45
    pictures = open_media(clip).pictures()
    next(pictures)
    with clip.open("ab") as growing:
        growing.write(whole[len(whole) // 2 :])
    assert len(list(pictures)) == 49


def test_a_file_that_shrinks_while_it_plays_ends_and_says_so(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", "mjpeg", size=(320, 240))
    file = open_media(clip)
    pictures = file.pictures()
    next(pictures)
    os.truncate(clip, clip.stat().st_size // 2)
    assert len(list(pictures)) < 45
    assert any("but says that it lasts" in sentence for sentence in file.damage.sentences())


@pytest.mark.parametrize("form", ["mpg", "avi", "wav", "mkv", "mp3"])
def test_where_nothing_comes_for_long_reading_gives_up_and_names_the_place(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself FFmpeg would look through 8 GB for a minute, and longer."""
    monkeypatch.setattr(reader, "MOST_BARREN", 10_000_000)
    path = tmp_path / f"clip.{form}"
    length = len(a_second(path, form))
    whole = open_media(path)
    pictures, seconds = len(list(whole.pictures())), length_s(whole)
    os.truncate(path, 8 << 30)
    file = open_media(path)
    assert len(list(file.pictures())) == pictures
    assert length_s(file) == pytest.approx(seconds, abs=0.1)
    said, _, byte = file.damage.broke_off.rpartition(" ")
    assert said == "nothing to play comes in 10 MB after the packet at byte"
    assert length / 2 < int(byte) <= length


def length_s(file: MediaFile) -> float:
    return sum(map(len, file.sound())) / SAMPLE_RATE


def test_a_pause_of_one_stream_is_no_end_however_much_of_the_other_comes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = range(0, 2000, 40)
    path = make_clip(
        tmp_path / "clip.mkv", "mjpeg", pictures_ms=times, size=(640, 480), sound_s=0.1
    )
    monkeypatch.setattr(reader, "MOST_BARREN", path.stat().st_size // 2)
    monkeypatch.setattr(reader, "SEEK_COSTS", 0)
    file = open_media(path)
    assert length_s(file) > 0.1
    assert len(list(file.pictures())) == len(times)
    assert not file.damage.broke_off


def test_while_nothing_comes_the_reader_is_asked_again_and_again_whether_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_BARREN", 1 << 40)
    path = tmp_path / "clip.mkv"
    a_second(path, "mkv")
    os.truncate(path, 8 << 30)
    asked, enough = 0, float("inf")

    def goes_on() -> bool:
        nonlocal asked
        asked += 1
        return asked < enough

    pictures = open_media(path).pictures(goes_on=goes_on)
    next(pictures)
    enough = asked + 5
    assert len(list(pictures)) == 24
    assert enough <= asked < enough + 20, "it read on to the end, which takes half a minute"
