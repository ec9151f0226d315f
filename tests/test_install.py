"""What a machine may lack: TensorFlow, and each system library."""

import os
import re
import shutil
import subprocess
import sys
import venv
from ctypes.util import find_library
from importlib import metadata
from pathlib import Path

import pytest

from capture.demo import load_truth
from messaging.system_packages import PACKAGES
from tests.display.x11 import needs_screen, virtual_screen
from tests.pipelines import ROOT, environment

EVERYWHERE = {
    *("libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"),
    *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libgcc_s.so.1", "libstdc++.so.6"),
    *("libz.so.1", "libglib-2.0.so.0"),
}
"""Python itself needs these, or a package that is named brings them along."""
RUN = (str(ROOT / "run_pipeline.py"), "--display", "none", "--speed", "max")
PATIENCE_S = 600


def test_the_edge_lock_runs_the_whole_pipeline_without_tensorflow(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    done = subprocess.run(
        [*install, "-r", ROOT / "requirements-edge.lock"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode and "connection" in done.stderr.lower():
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    found = subprocess.run([python, "-c", "import tensorflow"], capture_output=True, check=False)
    assert found.returncode, "TensorFlow is there"
    run = subprocess.run(
        [python, *RUN],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for expected in load_truth().utterances:
        assert expected.label in run.stdout


def test_the_command_of_a_checkout_is_called_emofuse_wherever_it_is_called_from(
    tmp_path: Path,
) -> None:
    bin_ = tmp_path / "a checkout" / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(sys.executable)
    (bin_.parent / "ready").touch()
    (bin_.parents[1] / "requirements.lock").touch()
    os.utime(bin_.parents[1] / "requirements.lock", (0, 0))
    (bin_.parents[1] / "run_pipeline.py").write_text("import sys; print(sys.argv[1:])")
    make = ["make", "-f", str(ROOT / "Makefile"), ".venv/bin/emofuse"]
    subprocess.run(make, cwd=bin_.parents[1], check=True, capture_output=True)
    path = f"{bin_}:{os.environ['PATH']}"
    run = subprocess.run(
        ["sh", "-c", "emofuse label 'two words'"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout == "['label', 'two words']\n"


def can_hide_files() -> bool:
    """In a mount namespace of its own, which takes root and Linux."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    hide = ["unshare", "--mount", "mount", "--bind", "/dev/null", __file__]
    return subprocess.run(hide, capture_output=True, check=False).returncode == 0


def run_without(
    library: str, *options: str, demo: bool = True, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run the pipeline where ``library`` cannot be loaded, as if it were not installed."""
    found = [
        path
        for folder in ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
        for path in Path(folder).rglob(library)
    ]
    hide = " && ".join(f"mount --bind /dev/null {path}" for path in found)
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{hide} && exec "$@"', "sh", sys.executable, *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(extra, demo=demo),
        check=False,
    )


@pytest.mark.skipif(not can_hide_files(), reason="hiding a library takes root and Linux")
@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libgthread-2.0.so.0", "libglib2.0-0"),
        ("libxcb.so.1", "libxcb1"),
        ("libX11.so.6", "libx11-6"),
    ],
)
def test_a_missing_library_is_named_before_anything_starts(library: str, package: str) -> None:
    run = run_without(library, *RUN)
    assert run.returncode == 2
    assert run.stderr == (
        f"emofuse: missing system packages: {package}; on Debian or Ubuntu: "
        f"sudo apt-get install {package}\n"
    )


WINDOW = (str(ROOT / "run_pipeline.py"), "--speed", "max", "--display")


@pytest.mark.skipif(not can_hide_files(), reason="hiding a library takes root and Linux")
@needs_screen
@pytest.mark.parametrize(
    ("library", "package"),
    [("libSM.so.6", "libsm6"), ("libICE.so.6", "libice6"), ("libXext.so.6", "libxext6")],
)
def test_a_window_that_cannot_open_is_refused_or_left_out_and_the_package_is_named(
    library: str, package: str
) -> None:
    with virtual_screen() as x_display:
        refused = run_without(library, *WINDOW, "window", DISPLAY=x_display)
        left_out = run_without(library, *WINDOW, "auto", DISPLAY=x_display)
    line = (
        f"emofuse: no window can be opened: missing system packages: {package}; on Debian or "
        f"Ubuntu: sudo apt-get install {package}"
    )
    assert (refused.returncode, refused.stderr) == (2, f"{line}, or choose --display terminal\n")
    assert left_out.returncode == 0, left_out.stderr
    assert line in left_out.stderr.splitlines()
    assert "surprise" in left_out.stdout


@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf (binutils)")
def test_the_packages_are_all_that_opencv_and_its_window_link_to() -> None:
    """Of the wheel that is installed."""
    installed = metadata.files("opencv-python") or []
    files = [str(file.locate()) for file in installed if re.search(r"\.so(\.|$)", file.name)]
    read = subprocess.run(
        ["readelf", "-d", *files], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", read.stdout))
    carried = {Path(file).name for file in files}
    assert needed - carried - EVERYWHERE == set(PACKAGES)


@pytest.mark.skipif(not can_hide_files(), reason="hiding a library takes root and Linux")
@pytest.mark.skipif(find_library("portaudio") is None, reason="PortAudio is not installed")
def test_without_portaudio_the_demo_session_plays_and_the_package_is_named() -> None:
    run = run_without("libportaudio.so.2", *RUN, demo=False)
    assert run.returncode == 0, run.stderr
    assert "apt-get install libportaudio2" in run.stderr
    assert "surprise" in run.stdout


@pytest.mark.skipif(not can_hide_files(), reason="hiding a library takes root and Linux")
@pytest.mark.skipif(find_library("portaudio") is None, reason="PortAudio is not installed")
def test_without_portaudio_a_microphone_that_is_asked_for_is_refused() -> None:
    run = run_without(
        "libportaudio.so.2", *RUN[:-2], "--camera", "none", "--microphone", "0", demo=False
    )
    assert run.returncode == 2
    assert "apt-get install libportaudio2" in run.stderr
    assert "Traceback" not in run.stderr
