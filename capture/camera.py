"""A camera's pictures, stamped as early as its driver allows."""

import time
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from capture.camera_device import Camera, Shot
from capture.clock_jumps import CameraJumps
from capture.pictures import Pixels, Publisher
from config.settings import Settings
from messaging.clock import monotonic_ns
from messaging.complaints import Complaints
from messaging.joining import node_of
from messaging.schema import Stamp, VideoFrame

PLAUSIBLE_NS = 1_000_000_000
"""A driver's time is believed when it is at most this old."""
GAP_EVERY_S = 1.0
UNREADABLE = "gives an unreadable picture"


class PictureSource(Protocol):
    """What ``pictures`` needs of a camera."""

    name: str

    @property
    def interval_ns(self) -> int: ...
    def read(self) -> Shot | None: ...
    def reopen(self, timeout_s: float) -> bool: ...


def pictures(
    camera: PictureSource,
    source: str,
    alive: Callable[[], bool],
    stamp: Callable[[int], Stamp],
    now_ns: Callable[[], int] = monotonic_ns,
) -> Iterator[tuple[VideoFrame, Pixels | None]]:
    """The camera's stream, from ``opened`` until ``alive`` says no, then ``closed``.

    Stamps strictly increase. While the camera is away a ``gap`` comes about once a second; an
    unreadable picture is one, too, with a number of its own.
    """
    last_ns = index = 0

    def message(
        event: Literal["opened", "picture", "gap", "closed"],
        at_ns: int,
        shape: tuple[int, ...] = (0, 0),
        text: str = "",
    ) -> VideoFrame:
        nonlocal last_ns
        last_ns = at_ns
        return VideoFrame(
            stamp(at_ns),
            source,
            index,
            event,
            width=shape[1],
            height=shape[0],
            interval_ns=interval_ns,
            text=text,
        )

    def now() -> int:
        return max(now_ns(), last_ns + 1)

    interval_ns = camera.interval_ns
    yield message("opened", now()), None
    while alive():
        shot = camera.read()
        if shot is not None:
            at_ns = taken_ns(shot, last_ns)
            if shot.pixels is None:
                yield message("gap", at_ns, text=f"camera {camera.name} {UNREADABLE}"), None
            else:
                yield message("picture", at_ns, shot.pixels.shape), shot.pixels
            index += 1
            continue
        yield message("gap", now(), text=f"camera {camera.name} is lost"), None
        while alive() and not camera.reopen(GAP_EVERY_S):
            yield message("gap", now(), text=f"camera {camera.name} is still away"), None
        interval_ns = camera.interval_ns  # it may be back at another rate
    yield message("closed", now()), None


def taken_ns(shot: Shot, last_ns: int) -> int:
    """The driver's time where it is plausible, else that of arrival; always after ``last_ns``."""
    arrived_ns = max(shot.arrived_ns, last_ns + 1)
    if shot.driver_ns is None:
        return arrived_ns
    earliest_ns = max(last_ns + 1, shot.arrived_ns - PLAUSIBLE_NS)
    return shot.driver_ns if earliest_ns <= shot.driver_ns <= arrived_ns else arrived_ns


def run(settings: Settings) -> None:
    source = settings.camera.name
    with (
        node_of(settings, "camera", name=source, cameras=[source]) as node,
        Camera(settings.camera) as camera,
    ):

        def alive() -> bool:
            node.receive(0)
            return node.alive()

        if settings.camera.wait_for and not node.wait_for(settings.camera.wait_for):
            return
        publisher, jumps, complaints = Publisher(node, settings.bus), CameraJumps(), Complaints()
        for frame, pixels in pictures(camera, source, alive, node.stamp):
            if mark := jumps.mark_before(frame):
                publisher.publish(mark, None)
            publisher.publish(frame, pixels)
            unreadable = frame.text.endswith(UNREADABLE)
            if unreadable:  # a flaky camera gives several a second
                complaints.note(frame.text)
            for text in complaints.due(time.monotonic()):
                node.log.warning("%s", text)
            if unreadable:
                continue
            if frame.event == "gap" and not node.text:
                node.log.warning("%s; trying again", frame.text)
            elif frame.event == "picture" and node.text:
                node.log.info("camera %s is back", camera.name)
            node.text = frame.text
