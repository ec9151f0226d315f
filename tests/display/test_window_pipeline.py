"""The whole pipeline with its window, on a screen that nobody sees."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from display.palette import EMOTION_COLOURS, bgr
from display.scene import Picture
from display.window import TITLE
from tests.display.x11 import (
    entry,
    needs_screen,
    press_close_button,
    screenshot,
    virtual_screen,
    xdotool,
)
from tests.pipelines import descendants, emofuse, started, wait_until_gone

PATIENCE_S = 90.0
FACE = (205, 145, 445, 385)
"""Left, top, right and bottom of what holds the drawn face and not much more."""
LABEL_HEIGHT = 30
SLOWLY = "0.3"
"""The demo session's speed: it must not be over before a busy machine has looked at it."""


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def window_of(x_display: str) -> str:
    return xdotool(x_display, "search", "--name", f"^{TITLE}$").strip()


def coloured(picture: Picture, colour: tuple[int, int, int]) -> NDArray[np.intp]:
    """Rows and columns of the pixels of that colour."""
    return np.argwhere(np.abs(picture.astype(int) - colour).max(axis=2) <= 8)


def shows_a_happy_face(picture: Picture) -> bool:
    """An outline around the face, in the colour of its emotion, and the label above it."""
    left, top, right, bottom = FACE
    happy = bgr(EMOTION_COLOURS["happy"])
    outline = coloured(picture[top:bottom, left:right], happy)
    if len(outline) == 0:
        return False
    height, width = np.ptp(outline, axis=0)
    is_hollow = len(coloured(picture[200:340, 240:400], happy)) == 0
    label = coloured(picture[top - LABEL_HEIGHT : top, left:right], happy)
    return min(height, width) > 190 and is_hollow and len(label) > 50


@needs_screen
@pytest.mark.parametrize("way", ["q", "the close button"])
def test_the_window_labels_the_face_and_ends_everything(
    way: str, x_display: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pictures = tmp_path_factory.mktemp("pictures")
    options = ("--display", "window", "--json", "--speed", SLOWLY)
    with started(*options, TMPDIR=str(tmp_path), DISPLAY=x_display) as run:
        wait_until(lambda: shows_a_happy_face(screenshot(x_display, pictures)))
        children = descendants(run.pid)
        assert len(children) >= 5
        window = window_of(x_display)
        if way == "q":
            xdotool(x_display, "windowfocus", window, "key", "q")
        else:
            press_close_button(x_display, int(window))
        out, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, errors
    assert json.loads(out.splitlines()[-1])["ended_by"] == "display asked to stop"
    assert "Traceback" not in errors
    wait_until_gone(children)
    assert not list(tmp_path.iterdir()), "files were left behind"


def refusal(x_display: str = "", authority: str = "") -> str:
    """What a pipeline says that is to show a window and cannot."""
    run = emofuse("--display", "window", "--speed", "max", DISPLAY=x_display, XAUTHORITY=authority)
    assert run.returncode == 2, run.stderr
    (line,) = run.stderr.splitlines()
    return line


def test_without_a_screen_a_window_is_refused_in_one_line() -> None:
    assert "DISPLAY is not set; choose --display terminal" in refusal()


def test_without_a_screen_the_pipeline_shows_none_where_it_may_choose() -> None:
    run = emofuse("--speed", "max", "--json")
    assert run.returncode == 0, run.stderr
    assert '"ended_by"' in run.stdout.splitlines()[-1]


@needs_screen
def test_a_screen_that_lets_others_in_alone_is_refused_and_breaks_nothing(tmp_path: Path) -> None:
    """Qt ends its process with a core dump there."""
    authority = tmp_path / "authority"
    authority.write_bytes(entry(bytes(range(16))))
    stranger = tmp_path / "stranger"
    stranger.write_bytes(entry(bytes(16)))
    with virtual_screen("-auth", authority) as x_display:
        line = refusal(x_display, str(stranger))
        assert f"no X server at DISPLAY={x_display} lets us in" in line
        options = ("--display", "window", "--speed", SLOWLY)
        with started(*options, DISPLAY=x_display, XAUTHORITY=str(authority)) as run:
            window = partial(xdotool, x_display, XAUTHORITY=str(authority))
            wait_until(lambda: window("search", "--name", f"^{TITLE}$"))
            window("search", "--name", f"^{TITLE}$", "windowfocus", "key", "q")
            _, errors = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0, errors
