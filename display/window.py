"""The window: faces and voice over the very picture that was analysed.

A thin shell: ``view`` knows what to show, ``overlay`` paints it. It reads pictures newest only and
gives no credit, so that looking on never slows a run.
"""

import os
from dataclasses import replace

import cv2

from config.settings import Settings
from display.overlay import DEFAULT_SIZE, paint
from display.requests import Requests
from display.scene import Picture, Scene
from display.screen import require_screen
from display.view import View
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.joining import node_of
from messaging.schema import Control
from messaging.topics import (
    AUDIO,
    CONTROL,
    FACES,
    HEARTBEAT,
    MARKERS,
    SPEECH,
    UTTERANCES,
    VIDEO,
    VIDEO_JPEG,
)

NAME = "display"
TITLE = "emofuse"
LARGEST_AT_FIRST = (1280, 720)
TAB, ESCAPE = 9, 27
QUIT_KEYS = frozenset((ord("q"), ord("Q"), ESCAPE))
HELP_KEYS = frozenset(map(ord, "hH?"))
HELP = (
    ("r", "start or stop recording"),
    ("m", "mark this moment"),
    ("space", "hold a replay, or go on"),
    ("Tab, 1-9, 0", "pick a camera; 0 shows all"),
    ("h, ?", "show or hide this"),
    ("q, Esc", "end everything"),
)
PAINT_NS = 25_000_000
"""Results are painted as they come, but not more often than this."""
REPAINT_NS = 100_000_000
"""Meters and ages are painted this often when no result comes."""


def run(settings: Settings) -> None:
    """Show the pipeline until it ends; ``q``, Esc and the close button end all of it.

    Tab and the keys 1 to 9 pick one of several cameras, 0 shows all of them; the other keys stand
    in ``HELP``.
    """
    video = VIDEO if settings.display.pictures == "raw" else VIDEO_JPEG
    topics = (video, AUDIO, FACES, SPEECH, UTTERANCES, HEARTBEAT, MARKERS)
    with (
        node_of(settings, NAME, topics) as node,
        Window() as window,
    ):
        view = View(
            node.name,
            is_comparable=node.stamp().bound_ns == 0,
            smoothing_s=settings.display.smoothing_s,
            only=settings.display.cameras,
        )
        requests = Requests(node.name, view.session)
        camera: str | None = None
        painted_ns = 0
        is_fresh = helps = False
        while node.alive():
            for received in node.receive(0.01):
                view.take(received)
                is_fresh |= received.topic is FACES
            now_ns = monotonic_ns()
            if now_ns - painted_ns >= (PAINT_NS if is_fresh else REPAINT_NS):
                scene = view.scene(now_ns, camera)
                window.show(replace(scene, help=HELP) if helps else scene)
                painted_ns, is_fresh = now_ns, False
            key = window.key()
            if key in QUIT_KEYS or window.is_closed():
                node.publish(CONTROL, Control(node.stamp(), "stop", node.name))
                return
            if key >= 0 and (asked := requests.of(chr(key), node.stamp())):
                node.publish(*asked)
            helps ^= key in HELP_KEYS
            camera = picked(camera, key, view.camera_names())


def picked(camera: str | None, key: int, names: tuple[str, ...]) -> str | None:
    """The camera to show after ``key``: Tab goes round, 1 to 9 pick one, 0 shows all (``None``)."""
    if key == TAB:
        round_trip = (None, *names)
        at = round_trip.index(camera) if camera in names else 0
        return round_trip[(at + 1) % len(round_trip)]
    if key == ord("0"):
        return None
    if ord("1") <= key <= ord("9") and key - ord("1") < len(names):
        return names[key - ord("1")]
    return camera


class Window:
    """OpenCV's window, painted in its own size so that text stays sharp."""

    def __enter__(self) -> "Window":
        require_screen()
        # The wheel's Qt has the X11 plugin alone; on a Wayland desktop it would warn about that.
        os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
        cv2.setNumThreads(1)  # its others spin between pictures: a sixth of this process's time
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
        try:
            cv2.namedWindow(TITLE, flags)
        except cv2.error as error:
            raise UserError(
                "this OpenCV opens no windows (opencv-python-headless does not); "
                "install opencv-python, or choose --display terminal"
            ) from error
        cv2.resizeWindow(TITLE, *DEFAULT_SIZE)
        self._is_sized = False
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()

    def show(self, scene: Scene) -> None:
        picture = next((c.picture for c in scene.cameras if c.picture is not None), None)
        if picture is not None and not self._is_sized:
            self._is_sized = True
            cv2.resizeWindow(TITLE, *first_size(picture))
        _, _, width, height = cv2.getWindowImageRect(TITLE)
        if width > 0 and height > 0:
            cv2.imshow(TITLE, paint(scene, (width, height)))

    def key(self) -> int:
        """The key that was pressed since the last call, or -1; also lets the window work."""
        return key_of(cv2.waitKeyEx(1))

    def is_closed(self) -> bool:
        """Whether somebody closed it; Qt then takes its whole window system down with it."""
        try:
            return cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            return True


def key_of(code: int) -> int:
    """The character of one of OpenCV's key codes, or -1.

    The low byte alone, which ``cv2.waitKey`` gives, is Q for the left arrow and R for the one up.
    Tab and Escape have codes like arrows with some of its window systems.
    """
    if code < 0:
        return -1
    symbol = code & 0xFFFF
    if symbol in (0xFF00 | TAB, 0xFF00 | ESCAPE):
        return symbol & 0xFF
    return symbol if symbol <= 0xFF else -1


def first_size(picture: Picture) -> tuple[int, int]:
    """Width and height of the window for pictures like this: readable, and within a screen."""
    height, width = picture.shape[:2]
    smallest = max(DEFAULT_SIZE[0] / width, DEFAULT_SIZE[1] / height, 1.0)
    scale = min(smallest, LARGEST_AT_FIRST[0] / width, LARGEST_AT_FIRST[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
