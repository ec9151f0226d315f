"""What a machine may lack: TensorFlow, and each system library."""

import os
import subprocess
import sys
import venv
from ctypes.util import find_library
from pathlib import Path

import pytest

from capture.demo import load_truth
from tests.pipelines import ROOT, environment

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


def can_hide_files() -> bool:
    """In a mount namespace of its own, which takes root and Linux."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    hide = ["unshare", "--mount", "mount", "--bind", "/dev/null", __file__]
    return subprocess.run(hide, capture_output=True, check=False).returncode == 0


def run_without(library: str, *options: str, demo: bool = True) -> subprocess.CompletedProcess[str]:
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
        env=environment(demo=demo),
        check=False,
    )


@pytest.mark.skipif(not can_hide_files(), reason="hiding a library takes root and Linux")
@pytest.mark.parametrize(
    ("library", "package"), [("libGL.so.1", "libgl1"), ("libgthread-2.0.so.0", "libglib2.0-0")]
)
def test_a_missing_library_is_named_before_anything_starts(library: str, package: str) -> None:
    run = run_without(library, *RUN)
    assert run.returncode == 2
    assert run.stderr == (
        f"emofuse: missing system packages: {package}; on Debian or Ubuntu: "
        f"sudo apt-get install {package}\n"
    )


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
