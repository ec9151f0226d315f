"""Which cameras there are, and what is said of one that cannot be had."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture.camera_device import Camera
from capture.cameras import CameraDevice, list_cameras, why_not, without_password
from config.settings import CameraSettings
from messaging.errors import UserError

ROOT = Path(__file__).parents[2]


def sysfs(folder: Path, *nodes: tuple[str, str, str]) -> Path:
    """Like ``/sys/class/video4linux``: node, name, index of the node within its device."""
    for node, name, index in nodes:
        (folder / node).mkdir(parents=True)
        (folder / node / "name").write_text(name + "\n")
        (folder / node / "index").write_text(index + "\n")
    return folder


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Video4Linux is Linux's")


@linux
def test_cameras_are_listed_by_number_without_their_metadata_nodes(tmp_path: Path) -> None:
    folder = sysfs(
        tmp_path / "video4linux",
        ("video10", "Second: USB", "0"),
        ("video0", "HD Webcam", "0"),
        ("video1", "HD Webcam", "1"),
        ("v4l-subdev0", "sensor", "0"),
    )
    assert list_cameras(folder) == (CameraDevice(0, "HD Webcam"), CameraDevice(10, "Second: USB"))
    assert list_cameras(tmp_path / "missing") == ()


@linux
def test_a_missing_camera_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    found = (CameraDevice(0, "HD Webcam"), CameraDevice(2, "OBS Virtual Camera"))
    told = str(why_not("3", found, tmp_path))
    assert told.startswith('no camera 3; found 0 "HD Webcam", 2 "OBS Virtual Camera";')
    assert "found none" in str(why_not("3", (), tmp_path))
    assert "\n" not in told


def nobody_may(*_: object) -> bool:
    return False


@linux
def test_a_camera_that_is_there_but_not_to_be_had_is_told_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "video0").symlink_to("/dev/null")
    assert "close other programs" in str(why_not("0", (), tmp_path))
    monkeypatch.setattr("os.access", nobody_may)
    assert "usermod -aG video" in str(why_not("0", (), tmp_path))


@linux
def test_a_camera_in_a_folder_without_rights_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "stat", closed)
    told = str(why_not(str(tmp_path / "video0"), ()))
    assert told == f"camera {tmp_path}/video0: Permission denied; found none; check the path"


@linux
@pytest.mark.parametrize(
    ("device", "told"),
    [
        ("film.mp4", "is a file, no camera; play it as media.file"),
        ("folder", "is no camera; found none; choose another by camera.device"),
        ("pipe", "is no camera; found none; choose another by camera.device"),
        ("x" * 300, "found none; connect it, or choose another by camera.device"),
        ("zero\0byte", "found none; connect it, or choose another by camera.device"),
    ],
)
def test_what_is_no_camera_is_told_at_once(device: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError) as caught:
        Camera(CameraSettings(device=str(tmp_path / device))).__enter__()
    assert str(caught.value).endswith(told)
    assert "\n" not in str(caught.value)


def test_the_address_of_a_film_is_no_camera(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a file, no camera; play it as media\.file"):
        Camera(CameraSettings(device=(tmp_path / "film.mp4").as_uri())).__enter__()


@pytest.mark.parametrize(
    ("device", "shown"),
    [
        ("rtsp://me:secret@host:554/live", "rtsp://me:***@host:554/live"),
        ("rtsp://me:p@ss:word@host/live", "rtsp://me:***@host/live"),
        ("http://host/a:b@c", "http://host/a:b@c"),
        ("http://host:80/", "http://host:80/"),
        ("0", "0"),
    ],
)
def test_passwords_are_not_shown(device: str, shown: str) -> None:
    assert without_password(device) == shown


@pytest.mark.parametrize(
    ("device", "named"),
    [
        ("77", "camera 77"),
        ("/dev/video77", "camera /dev/video77"),
        ("http://me:secret@127.0.0.1:9/", "http://me:***@127.0.0.1:9/"),
        ("none", "camera.device is none"),
        ("", "camera.device is empty"),
    ],
)
def test_a_camera_that_cannot_be_opened_is_one_line_and_no_noise(device: str, named: str) -> None:
    """In a process of its own: OpenCV and its FFmpeg write past Python's stderr, or may not."""
    code = (
        "import sys\n"
        "from capture.camera_device import Camera\n"
        "from config.settings import CameraSettings\n"
        "from messaging.errors import UserError\n"
        "try:\n"
        "    Camera(CameraSettings(device=sys.argv[1])).__enter__()\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, device],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert named in done.stdout
    assert done.stdout.count("\n") == 1
    assert "secret" not in done.stdout
