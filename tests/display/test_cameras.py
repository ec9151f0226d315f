"""One display, several cameras: those that it is asked for, also where pictures come smaller."""

from dataclasses import replace

import cv2
import numpy as np

from display.overlay import paint
from display.view import View
from messaging.topics import VIDEO_JPEG
from tests.display.messages import HEIGHT, MS, WIDTH, face, picture, result, shade


def test_a_display_shows_the_cameras_that_it_is_asked_for() -> None:
    view = View("display", is_comparable=True, only=["left"])
    for source in ("left", "right"):
        view.take(picture(0, 0, source))
        view.take(result(0, 0, 5, [face()], source))
    assert view.camera_names() == ("left",)


def test_boxes_lie_where_the_faces_are_also_on_a_smaller_picture() -> None:
    view = View("display", is_comparable=True)
    whole = picture(0, 0)
    small = cv2.resize(shade(0), (WIDTH // 2, HEIGHT // 2))
    jpeg = cv2.imencode(".jpg", small)[1].tobytes()
    frame = replace(whole.message, width=WIDTH // 2, height=HEIGHT // 2)
    views = {"whole": View("display", is_comparable=True), "small": view}
    views["whole"].take(whole)
    views["small"].take(replace(whole, topic=VIDEO_JPEG, message=frame, payload=memoryview(jpeg)))
    painted: list[np.ndarray] = []
    for one in views.values():
        one.take(result(0, 0, 5, [face()]))
        (camera,) = one.scene(10 * MS).cameras
        assert (camera.width, camera.height) == (WIDTH, HEIGHT)
        painted.append(paint(one.scene(10 * MS), (WIDTH * 4, HEIGHT * 4)))
    assert np.abs(painted[0].astype(int) - painted[1].astype(int)).max() < 8
