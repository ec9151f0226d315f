"""The notebooks of the docs: executed, small, and the same when they are executed again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import ROOT, environment

EXAMPLES = ROOT / "docs" / "examples"
MOST_BYTES = 200_000
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def said(notebook: dict[str, Any]) -> list[Any]:
    """All but the pictures, whose bytes depend on the machine's fonts."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if picture := output.get("data", {}).get("image/png"):
                output["data"]["image/png"] = bool(picture)
    return notebook["cells"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_says_the_same_when_it_is_executed_again(path: Path, tmp_path: Path) -> None:
    again = tmp_path / path.name
    run = subprocess.run(
        [sys.executable, EXAMPLES / "execute.py", path, again],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": str(ROOT)}, demo=False),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert said(json.loads(again.read_text())) == said(json.loads(path.read_text()))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_and_holds_a_plot_and_no_place_of_the_machine_it_ran_on(
    path: Path,
) -> None:
    text = path.read_text()
    assert len(text) < MOST_BYTES
    assert '"image/png"' in text
    assert str(ROOT) not in text
    assert str(Path.home()) not in text


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
