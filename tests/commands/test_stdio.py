"""Standard streams that are closed, or whose reader is gone."""

import json
import subprocess
import sys

import pytest

from tests.pipelines import PATIENCE_S, ROOT, environment

COMMAND = f"exec {sys.executable} {ROOT / 'run_pipeline.py'}"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
        check=False,
    )


def test_a_run_needs_no_standard_stream() -> None:
    told = shell(f"{COMMAND} --speed max --json <&- 2>&-")
    assert told.returncode == 0
    assert json.loads(told.stdout.splitlines()[-1])["utterances"] == 4
    told = shell(f"{COMMAND} --speed max <&- >&-")
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_mistake_is_one_also_where_nobody_hears_of_it(closed: str) -> None:
    told = shell(f"{COMMAND} --media /no/such.mp4 {closed}")
    assert told.returncode == 2
    assert "Traceback" not in told.stdout + told.stderr
