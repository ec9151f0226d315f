"""Models, disk and GPU: made-up measurements are judged, and real files and folders looked at."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands.doctor import disk, gpu, models
from commands.doctor.disk import Disk
from commands.doctor.gpu import Graphics
from inference import weights
from tests.pipelines import ROOT

GB = 1_000_000_000


def test_the_models_that_lie_here_are_right() -> None:
    (finding,) = models.examine()
    assert (finding.level, finding.text) == ("fine", "5 files, and their hashes are right")


def test_damaged_and_missing_weights_are_named(tmp_path: Path) -> None:
    folder = shutil.copytree(weights.FOLDER, tmp_path / "weights")
    damaged = folder / "blazeface_full_range.tflite"
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    (folder / "mini_xception.tflite").unlink()
    first, second = models.examine(folder)
    assert {first.level, second.level} == {"failure"}
    assert "blazeface_full_range.tflite have sha256" in first.text
    assert "mini_xception.tflite (No such file" in second.text
    assert first.way_out == second.way_out == weights.RESTORE


def test_a_missing_list_of_weights_is_one_failure(tmp_path: Path) -> None:
    (finding,) = models.examine(tmp_path)
    assert (finding.level, finding.way_out) == ("failure", weights.RESTORE)


@pytest.mark.parametrize(
    ("free", "bytes_per_s", "level", "text"),
    [
        (80 * GB, 200e6, "fine", "80.0 GB free, room for about 1600 minutes; writes 200 MB/s"),
        (3 * GB, 200e6, "warning", "room for about 60 minutes"),
        (GB // 2, 200e6, "failure", "room for about 10 minutes"),
        (80 * GB, 2e6, "warning", "2 MB/s, which is slow"),
    ],
)
def test_a_disk_is_judged_by_room_and_speed(
    free: int, bytes_per_s: float, level: str, text: str
) -> None:
    finding = disk.judge(Disk("/data", free, bytes_per_s))
    assert finding.level == level
    assert text in finding.text
    assert bool(finding.way_out) == (level != "fine")


def test_a_folder_that_is_yet_to_be_made_is_judged_by_the_one_above_and_left_as_it_was(
    tmp_path: Path,
) -> None:
    finding = disk.examine(tmp_path / "lab" / "session")
    assert finding.text.startswith(f"{tmp_path}: ")
    assert "MB/s" in finding.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that takes nothing, even from root")
def test_a_folder_that_takes_nothing_is_a_failure() -> None:
    finding = disk.examine(Path("/proc/self/fdinfo"))
    assert finding.level == "failure"
    assert "takes nothing" in finding.text
    assert finding.way_out


FULL = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
from commands.doctor.disk import examine
finding = examine(Path(sys.argv[1]))
print(finding.level, finding.text)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits on Windows")
def test_a_full_disk_is_a_failure(tmp_path: Path) -> None:
    """A limit on the size of files: it is reached as a full disk is, but by this process alone."""
    told = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert told.startswith(f"failure {tmp_path} takes nothing: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("found", "engine", "level", "text"),
    [
        (Graphics(is_there=False, is_installed=False), "auto", "fine", "none, and no TensorFlow"),
        (
            Graphics(is_there=False, is_installed=True),
            "auto",
            "fine",
            "none: LiteRT works on the CPU",
        ),
        (Graphics(is_there=True, is_installed=False), "auto", "warning", "no TensorFlow to use it"),
        (Graphics(is_there=True, is_installed=False), "tensorflow", "failure", "is not installed"),
        (
            Graphics(is_there=True, is_installed=True, version="2.20", seen=("/GPU:0",)),
            "auto",
            "fine",
            "2.20 sees /GPU:0",
        ),
        (
            Graphics(is_there=True, is_installed=True, version="2.20"),
            "auto",
            "warning",
            "2.20 does not see it",
        ),
        (
            Graphics(is_there=False, is_installed=True, version="2.20"),
            "auto",
            "fine",
            "TensorFlow 2.20 can be imported",
        ),
        (
            Graphics(is_there=True, is_installed=True, error="boom"),
            "auto",
            "failure",
            "cannot be imported: boom",
        ),
    ],
)
def test_a_gpu_is_judged_by_who_can_use_it(
    found: Graphics, engine: str, level: str, text: str
) -> None:
    finding = gpu.judge(found, engine)
    assert finding.level == level
    assert text in finding.text
    assert bool(finding.way_out) == (level != "fine")


MADE_UP = """
class config:
    @staticmethod
    def list_physical_devices(kind):
        return [type("Device", (), {"name": "/physical_device:GPU:0"})] if kind == "GPU" else []

__version__ = "9.9"
print("something that it says when it is imported")
"""


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (MADE_UP, "TensorFlow 9.9 sees /physical_device:GPU:0"),
        ("raise ImportError('no libcuda')", "cannot be imported: ImportError: no libcuda"),
    ],
)
def test_tensorflow_is_asked_in_a_process_of_its_own_and_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str
) -> None:
    (tmp_path / "tensorflow.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    assert text in gpu.examine("auto", deep=True).text
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert text not in gpu.examine("auto", deep=False).text
    assert "tensorflow" not in sys.modules
