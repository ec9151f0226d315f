"""The whole portrait: layers of hair, body, face and hair, moved and put together."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.demo import hair, scene
from capture.demo.canvas import HEIGHT, SIDES, WIDTH, Array, Layer, Window, paint
from capture.demo.expressions import Expression
from capture.demo.eyes import Eye
from capture.demo.head import Head, relief, skull
from capture.demo.mouth import Mouth

Picture = NDArray[np.uint8]

FACE = (-144, 30, 288, 386)
"""Left, top, width and height of what moves with the head, and is drawn for every picture."""
EYES = {-1: (-96, 160, 92, 84), 1: (4, 160, 92, 84)}
MOUTH = (-64, 268, 128, 112)
NECK = (0, 372)
"""The head turns about this point."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is; pixels of the picture and degrees."""

    right: float = 0.0
    down: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0
    yaw: float = 0.0
    """How far the nearest part of the face moves against the farthest, to the right."""
    pitch: float = 0.0
    """The same, downwards."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that changes from picture to picture."""

    expression: Expression
    pose: Pose = Pose()
    lids_closed: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    """How far the irises are off their centres, in pixels."""


class Portrait:
    """Draws pictures; ``scale`` samples for a pixel's width, averaged in the end."""

    def __init__(self, scale: int = 2) -> None:
        self._window = window = Window(scale, *FACE)
        self._head = Head(window)
        self._eyes = {side: Eye(window.part(*EYES[side]), side) for side in SIDES}
        self._mouth_window = window.part(*MOUTH)
        self._front = hair.front(window)
        self._back = hair.back(window)
        whole = scene.whole(scale)
        self._room, self._body = scene.room(whole), scene.body(whole)
        self._whole = whole
        self._on_body = whole.view(window, self._body.opacity)
        rest = np.maximum(relief(window, Expression()), 0) / 100
        self._nearness = window.blur(rest, 5)

    def draw(self, moment: Moment) -> Picture:
        """The picture, RGB, 480 x 640 x 3."""
        shifts = self._shifts(moment.pose)
        head = self._moved(self._face(moment), shifts)
        back = self._moved(self._back, self._shifts(moment.pose, parallax=False))
        picture = self._room.copy()
        seen = self._whole.view(self._window, picture)
        paint(seen, back.opacity, back.colour)
        paint(picture, self._body.opacity, self._body.colour)
        self._cast_shadow(seen, head.opacity * self._on_body, 0.30)
        paint(seen, head.opacity, head.colour)
        small = cv2.resize(np.clip(picture, 0, 255), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        return np.rint(small).astype(np.uint8)

    def _face(self, moment: Moment) -> Layer:
        """Skin, features and front hair, in the head's own frame."""
        window, e = self._window, moment.expression
        mouth = Mouth(self._mouth_window, e)
        lips = np.zeros(window.shape, np.float32)
        window.view(mouth.window, lips)[:] = mouth.height()
        skin, light = self._head.shade(e, mouth.shape, lips)
        mouth.paint(window.view(mouth.window, skin), window.view(mouth.window, light))
        for eye in self._eyes.values():
            eye.paint(window.view(eye.window, skin), e, moment.lids_closed, moment.gaze)
        self._cast_shadow(skin, self._front.opacity, 0.34)
        seen_skin = window.blur(skull(window, e)[1], 0.6) * (1 - self._front.opacity)
        opacity = seen_skin + self._front.opacity
        colour = np.clip(skin, 0, 255)
        paint(colour, self._front.opacity / np.maximum(opacity, 1e-3), self._front.colour)
        return Layer(colour, opacity)

    def _cast_shadow(self, picture: Array, opacity: Array, strength: float) -> None:
        """Darken what lies below a layer, softly and a little lower than the layer itself."""
        window = self._window
        lower = np.zeros_like(opacity)
        offset = 5 * window.scale
        lower[offset:] = window.blur(opacity, 5)[:-offset]
        picture *= 1 - strength * lower[..., None]

    def _shifts(self, pose: Pose, parallax: bool = True) -> tuple[Array, Array]:
        """For every sample of the moved head, where it comes from in the head's own frame."""
        window = self._window
        scale, left, top = window.scale, window.left, window.top
        centre = ((NECK[0] - left) * scale, (NECK[1] - top) * scale)
        turn = cv2.getRotationMatrix2D(centre, -pose.roll, pose.zoom)
        turn[:, 2] += (pose.right * scale, pose.down * scale)
        back = np.asarray(cv2.invertAffineTransform(turn), np.float32)
        rows, columns = (np.arange(n, dtype=np.float32) for n in window.shape)
        x = back[0, 0] * columns[None] + back[0, 1] * rows[:, None] + back[0, 2]
        y = back[1, 0] * columns[None] + back[1, 1] * rows[:, None] + back[1, 2]
        if parallax:
            nearness = np.asarray(cv2.remap(self._nearness, x, y, cv2.INTER_LINEAR), np.float32)
            x, y = x - pose.yaw * scale * nearness, y - pose.pitch * scale * nearness
        return x, y

    def _moved(self, layer: Layer, source: tuple[Array, Array]) -> Layer:
        return Layer(
            *(np.asarray(cv2.remap(part, *source, cv2.INTER_LINEAR), np.float32) for part in layer)
        )
