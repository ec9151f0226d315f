"""The real window, on a screen that nobody sees."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from display.palette import EMOTION_COLOURS, RECORDING, bgr
from display.requests import HELD_NS
from display.scene import Picture
from display.window import (
    DEFAULT_SIZE,
    ESCAPE,
    LARGEST_AT_FIRST,
    NAME,
    TAB,
    TITLE,
    first_size,
    key_of,
    picked,
)
from messaging.node import Node
from messaging.schema import Control, FaceEmotions, Marker, VideoFrame
from messaging.topics import CONTROL, FACES, HEARTBEAT, MARKERS, VIDEO
from tests.display.conftest import StartDisplay
from tests.display.messages import face, word
from tests.display.x11 import (
    needs_screen,
    press_close_button,
    screenshot,
    xdotool,
)

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
        assert time.monotonic() < deadline
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


@needs_screen
def test_the_windows_keys_record_mark_and_pause_and_h_tells_of_them(
    x_display: str,
    address: str,
    start_display: StartDisplay,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("screen")
    recorder, player = word("recorder", 0, "resting"), word("player", 0, "", progress=0.5)
    with (
        Node("pipeline", address, (CONTROL, MARKERS)) as node,
        start_display("window", env={"DISPLAY": x_display}),
    ):

        def until(condition: Callable[[], object], every: int) -> None:
            """The nodes say what they do meanwhile: the window believes them for three seconds."""

            def said() -> bool:
                node.publish(HEARTBEAT, recorder.message)
                node.publish(HEARTBEAT, player.message)
                return bool(condition())

            publish_until(node, said, every)

        def seen(condition: Callable[[Picture], bool]) -> None:
            until(lambda: condition(screenshot(x_display, folder)), every=10)

        def asked_by(key: str) -> str:
            """What the window publishes when a key is pressed."""
            until(lambda: True, every=1)
            xdotool(x_display, "windowfocus", window, "key", key)
            asked: list[str] = []
            until(lambda: asked.extend(requests(node)) or asked, every=1)
            (request,) = asked
            return request

        red = bgr(RECORDING)
        # Half of the lower edge is the bar of what is played.
        seen(lambda screen: near(screen, (245, 245, 245)) > WIDTH and near(screen, red) == 0)
        (window,) = xdotool(x_display, "search", "--name", f"^{TITLE}$").split()
        assert asked_by("r") == "record"
        recorder = word("recorder", 0, "recording")
        seen(lambda screen: near(screen, red) > 50)
        assert asked_by("m") == "marker 1"
        assert asked_by("space") == "pause"
        time.sleep(HELD_NS["r"] / 1e9)
        assert asked_by("r") == "rest"
        before = screenshot(x_display, folder)
        middle = (slice(220, 260), slice(200, 440))
        xdotool(x_display, "windowfocus", window, "key", "h")
        seen(lambda screen: bool((screen[middle] != before[middle]).any()))
        xdotool(x_display, "windowfocus", window, "key", "question")
        seen(lambda screen: bool((screen[middle] == before[middle]).all()))


def requests(node: Node) -> list[str]:
    """What the display asked for."""
    messages = [received.message for received in node.receive(0)]
    controls = [m.action for m in messages if isinstance(m, Control) and m.reader == NAME]
    return controls + [m.text for m in messages if isinstance(m, Marker) and m.author == NAME]


def test_arrows_and_function_keys_are_no_letters() -> None:
    """Their codes' low bytes are: R for the arrow up, Q for the one to the left."""
    assert [key_of(code) for code in (-1, 0xFF52, 0xFF51, 0xFFC0, 0x250000)] == [-1, -1, -1, -1, 0]
    assert [key_of(code) for code in (0xFF09, 0xFF1B)] == [TAB, ESCAPE]
    assert [key_of(ord(letter)) for letter in "rR ?"] == [ord(letter) for letter in "rR ?"]
    assert key_of(0x10000 | ord("R")) == ord("R")


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
