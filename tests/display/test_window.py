"""The real window, on a screen that nobody sees."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from display.palette import EMOTION_COLOURS, bgr
from display.scene import Picture
from display.window import DEFAULT_SIZE, LARGEST_AT_FIRST, NAME, TAB, TITLE, first_size, picked
from messaging.node import Node
from messaging.schema import Control, FaceEmotions, VideoFrame
from messaging.topics import CONTROL, FACES, VIDEO
from tests.display.conftest import StartDisplay
from tests.display.messages import face
from tests.display.x11 import needs_screen, press_close_button, screenshot, xdotool

PATIENCE_S = 60.0
WIDTH, HEIGHT = 640, 480
BLUISH = (160, 120, 40)


def near(picture: Picture, colour: tuple[int, int, int]) -> int:
    """Pixels of that colour."""
    return int((np.abs(picture.astype(int) - colour).max(axis=2) <= 8).sum())


def publish_until(node: Node, condition: Callable[[], bool], every: int = 10) -> None:
    """Play camera and inference at 30 Hz until ``condition``, which is asked now and then."""
    pixels = np.full((HEIGHT, WIDTH, 3), BLUISH, np.uint8)
    deadline = time.monotonic() + PATIENCE_S
    index = 0
    while index % every or not condition():
        assert time.monotonic() < deadline, "it never came to be"
        stamp = node.stamp()
        node.publish(VIDEO, VideoFrame(stamp, "camera", index, "picture", WIDTH, HEIGHT), pixels)
        found = (face("angry", (200, 120, 200, 200)),)
        node.publish(FACES, FaceEmotions(stamp, "camera", index, "analysed", found, WIDTH, HEIGHT))
        index += 1
        time.sleep(1 / 30)


def stop_asked_by(node: Node) -> str:
    return next(
        (
            received.message.reader
            for received in node.receive(0)
            if isinstance(received.message, Control) and received.message.action == "stop"
        ),
        "",
    )


@needs_screen
@pytest.mark.parametrize("key", ["q", "Escape", "the close button"])
def test_the_window_shows_the_face_and_ends_the_pipeline(
    key: str,
    x_display: str,
    address: str,
    start_display: StartDisplay,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("screen")
    with (
        Node("pipeline", address, (CONTROL,)) as node,
        start_display("window", env={"DISPLAY": x_display}) as process,
    ):
        angry = bgr(EMOTION_COLOURS["angry"])
        publish_until(node, lambda: near(screenshot(x_display, folder), angry) > 500)
        shown = screenshot(x_display, folder)
        assert near(shown, BLUISH) > WIDTH * HEIGHT / 2
        assert near(shown[:, WIDTH + 10 :], BLUISH) == 0

        (window,) = xdotool(x_display, "search", "--name", f"^{TITLE}$").split()
        if key == "the close button":
            press_close_button(x_display, int(window))
        else:
            xdotool(x_display, "windowfocus", window, "key", key)
        asked: list[str] = []
        publish_until(node, lambda: bool(asked.append(stop_asked_by(node)) or asked[-1]), every=1)
        assert asked[-1] == NAME
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert errors == b""
        assert process.returncode == 0


@needs_screen
def test_the_window_ends_when_it_is_told_to(
    x_display: str, address: str, start_display: StartDisplay
) -> None:
    with (
        Node("pipeline", address) as node,
        start_display("window", env={"DISPLAY": x_display}) as process,
    ):
        title = f"^{TITLE}$"
        publish_until(node, lambda: xdotool(x_display, "search", "--name", title) != "")
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, b"")


def test_tab_goes_round_and_numbers_pick_a_camera() -> None:
    names = ("left", "right")
    assert picked(None, TAB, names) == "left"
    assert picked("left", TAB, names) == "right"
    assert picked("right", TAB, names) is None
    assert picked(None, ord("2"), names) == "right"
    assert picked("left", ord("3"), names) == "left"
    assert picked("left", ord("0"), names) is None
    assert picked("left", -1, names) == "left"
    assert picked("gone", TAB, names) == "left"
    assert picked(None, TAB, ()) is None


@pytest.mark.parametrize(
    ("picture", "window"),
    [
        ((640, 480), (640, 480)),
        ((320, 240), (640, 480)),
        ((360, 288), (640, 512)),
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (405, 720)),
    ],
)
def test_the_window_begins_readable_and_within_a_screen(
    picture: tuple[int, int], window: tuple[int, int]
) -> None:
    width, height = first_size(np.zeros((picture[1], picture[0], 3), np.uint8))
    assert (width, height) == window
    assert width <= max(LARGEST_AT_FIRST[0], DEFAULT_SIZE[0])
