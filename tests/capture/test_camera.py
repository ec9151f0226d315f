"""Pictures of a camera: of a real network stream, and of made-up ones where time must be exact."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from capture import camera, camera_device
from capture.camera import pictures, taken_ns
from capture.camera_device import UNREADABLE, Camera, Shot
from capture.pictures import Pixels
from config.settings import BusSettings, CameraSettings, Settings
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Stamp, VideoFrame
from messaging.topics import CONTROL, LOG, VIDEO
from tests.capture.streaming import StreamingCamera

MS = 1_000_000
S = 1_000_000_000
PIXELS = np.zeros((4, 6, 3), np.uint8)


class MadeUpCamera:
    """Gives the shots it was given; ``None`` among them is a loss, from which it comes back."""

    name = "made-up"
    interval_ns = 33 * MS

    def __init__(self, shots: Iterable[Shot | None], returns: Iterable[bool] = ()) -> None:
        self._shots = deque(shots)
        self._returns = deque(returns)

    def read(self) -> Shot | None:
        return self._shots.popleft()

    def reopen(self, timeout_s: float) -> bool:
        assert 0 < timeout_s <= 1.5, "a gap is said about once a second"
        self.interval_ns *= 2
        return self._returns.popleft()

    def lasts(self) -> bool:
        return bool(self._shots or self._returns)


def shot(arrived_ms: float, driver_ms: float | None = None, pixels: Pixels | None = PIXELS) -> Shot:
    driver_ns = None if driver_ms is None else round(driver_ms * MS)
    return Shot(round(arrived_ms * MS), driver_ns, pixels)


def stream(made_up: MadeUpCamera, now_ms: Iterable[float]) -> list[VideoFrame]:
    instants = iter(now_ms)
    return [
        frame
        for frame, _ in pictures(
            made_up,
            "camera",
            made_up.lasts,
            lambda at_ns: Stamp(at_ns, "clock"),
            lambda: round(next(instants) * MS),
        )
    ]


def told(frames: Iterable[VideoFrame]) -> list[tuple[str, int, float]]:
    return [(frame.event, frame.index, frame.stamp.captured_ns / MS) for frame in frames]


@pytest.mark.parametrize(
    ("arrived_ms", "driver_ms", "last_ms", "taken_ms"),
    [
        (5000, None, 4000, 5000),  # a driver that says nothing
        (5000, 4970, 4000, 4970),
        (5000, 5000, 4000, 5000),
        (5000, 0, 4000, 5000),  # a driver without a clock
        (5000, 1_700_000_000_000, 4000, 5000),  # a wall clock
        (5000, 5001, 4000, 5000),  # the future
        (5000, 3999, 2000, 5000),  # more than a second ago
        (5000, 4000, 2000, 4000),
        (5000, 4500, 4500, 5000),  # not after the picture before
        (5000, None, 5000, 5000.000001),
        (5000, 4990, 5000, 5000.000001),
    ],
)
def test_the_drivers_time_is_used_where_it_is_plausible(
    arrived_ms: float, driver_ms: float | None, last_ms: float, taken_ms: float
) -> None:
    assert taken_ns(shot(arrived_ms, driver_ms), round(last_ms * MS)) == round(taken_ms * MS)


def test_a_stream_opens_shows_pictures_and_closes() -> None:
    made_up = MadeUpCamera([shot(133, 120), shot(166, 153)])
    frames = stream(made_up, [100, 200])
    assert told(frames) == [
        ("opened", 0, 100),
        ("picture", 0, 120),
        ("picture", 1, 153),
        ("closed", 2, 200),
    ]
    assert {(frame.width, frame.height) for frame in frames if frame.event == "picture"} == {(6, 4)}
    assert {frame.interval_ns for frame in frames} == {33 * MS}
    assert not any(frame.lossless for frame in frames)


def test_a_lost_camera_is_a_gap_until_it_is_back() -> None:
    made_up = MadeUpCamera([shot(133), None, shot(4133)], [False, False, True])
    frames = stream(made_up, [100, 2100, 3100, 4100, 5000])
    assert told(frames) == [
        ("opened", 0, 100),
        ("picture", 0, 133),
        ("gap", 1, 2100),
        ("gap", 1, 3100),
        ("gap", 1, 4100),
        ("picture", 1, 4133),
        ("closed", 2, 5000),
    ]
    assert all("made-up" in frame.text for frame in frames if frame.event == "gap")


def test_a_camera_that_is_back_may_have_another_rate() -> None:
    frames = stream(MadeUpCamera([shot(133), None, shot(4133)], [True]), [100, 2100, 5000])
    shown = [frame.interval_ns for frame in frames if frame.event == "picture"]
    assert shown == [33 * MS, 66 * MS]


def test_an_unreadable_picture_is_a_gap_with_its_own_number() -> None:
    made_up = MadeUpCamera([shot(133), shot(166, 153, None), shot(200)])
    assert told(stream(made_up, [100, 300])) == [
        ("opened", 0, 100),
        ("picture", 0, 133),
        ("gap", 1, 153),
        ("picture", 2, 200),
        ("closed", 3, 300),
    ]


class BrokenCapture:
    """Of OpenCV's: grabs pictures that it cannot read."""

    def grab(self) -> bool:
        return True

    def retrieve(self) -> tuple[bool, None]:
        return False, None

    def getBackendName(self) -> str:  # noqa: N802
        return "FFMPEG"

    def get(self, _: int) -> float:
        return 30.0

    def release(self) -> None:
        pass


def test_every_unreadable_picture_is_told_before_the_camera_counts_as_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(_settings: CameraSettings) -> BrokenCapture:
        return BrokenCapture()

    monkeypatch.setattr(camera_device, "open_capture", opened)
    with Camera(CameraSettings()) as device:
        for _ in range(2):
            shots = [device.read() for _ in range(UNREADABLE)]
            assert all(each is not None and each.pixels is None for each in shots)
            assert device.read() is None
            assert device.reopen(10)


def test_stamps_increase_strictly_whatever_the_clocks_say() -> None:
    shots = [shot(100, 100), shot(100, 100), None, shot(99, 98), shot(99)]
    frames = stream(MadeUpCamera(shots, [True]), itertools.repeat(100))
    instants = [frame.stamp.captured_ns for frame in frames]
    assert all(a < b for a, b in itertools.pairwise(instants))


def test_a_network_camera_is_lost_and_comes_back_with_another_size() -> None:
    alive = threading.Event()
    alive.set()
    frames: list[VideoFrame] = []
    shapes: list[tuple[int, ...]] = []

    def follow(until: Callable[[VideoFrame], bool]) -> None:
        for frame, pixels in following:
            frames.append(frame)
            if pixels is not None:
                assert pixels.flags.c_contiguous
                shapes.append(pixels.shape)
            if until(frame):
                return

    with StreamingCamera((320, 240)) as street:
        device = Camera(CameraSettings(device=street.url))
        following = opened(device, alive.is_set)
        follow(lambda frame: frame.index == 10)
    follow(lambda frame: frame.event == "gap")
    with StreamingCamera((640, 480), street.port):
        follow(lambda frame: frame.event == "picture")
        alive.clear()
        follow(lambda frame: frame.event == "closed")

    assert shapes[0] == (240, 320, 3)
    assert shapes[-1] == (480, 640, 3)
    assert [event for event, _ in itertools.groupby(frame.event for frame in frames)] == [
        "opened",
        "picture",
        "gap",
        "picture",
        "closed",
    ]
    instants = [frame.stamp.captured_ns for frame in frames]
    assert all(a < b for a, b in itertools.pairwise(instants))


def opened(device: Camera, alive: Callable[[], bool]) -> Iterator[tuple[VideoFrame, Pixels | None]]:
    with device:
        yield from pictures(device, "camera", alive, lambda at_ns: Stamp(at_ns, "clock"))


def test_a_picture_size_that_changes_on_the_way_does_not_disturb() -> None:
    """OpenCV scales what comes later to the first size; the message says what the payload is."""
    shown: list[VideoFrame] = []
    with StreamingCamera((320, 240), then=(640, 480)) as street:
        stream = opened(Camera(CameraSettings(device=street.url)), lambda: len(shown) < 20)
        for frame, pixels in stream:
            if pixels is not None:
                assert pixels.shape == (frame.height, frame.width, 3)
                shown.append(frame)
            assert frame.event != "gap"
    assert len(shown) == 20


def test_the_camera_node_sends_what_a_reader_can_show(address: str) -> None:
    with StreamingCamera((64, 48)) as street, Node("reader", address, [VIDEO]) as reader:
        settings = Settings(
            bus=BusSettings(address=address), camera=CameraSettings(device=street.url, name="door")
        )
        running = threading.Thread(target=camera.run, args=(settings,), daemon=True)
        running.start()
        deadline = time.monotonic() + 30
        got = reader.receive(0.05)
        while sum(one.message.event == "picture" for one in got) < 5:
            assert time.monotonic() < deadline
            got += reader.receive(0.05)
        assert got[0].message.event == "opened"
        latest = got[-1]
        assert latest.message.source == latest.sender == "door"
        assert len(latest.payload) == 64 * 48 * 3
        assert 0 < latest.received_ns - latest.message.stamp.pipeline_ns < S
        ask_to_stop(reader)
        while got[-1].message.event != "closed":
            assert time.monotonic() < deadline
            got += reader.receive(0.05)
        running.join(10)
        assert not running.is_alive()


def ask_to_stop(node: Node) -> None:
    node.publish(CONTROL, Control(node.stamp(), "stop", node.name))


def test_a_camera_that_cannot_be_opened_ends_the_node(address: str) -> None:
    settings = Settings(
        bus=BusSettings(address=address), camera=CameraSettings(device="http://127.0.0.1:9/")
    )
    with pytest.raises(UserError, match=r"no camera answers at http://127\.0\.0\.1:9/"):
        camera.run(settings)


def test_of_unreadable_pictures_one_line_is_logged(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a webcam that gives several a second, and is never lost."""
    capture = BrokenCapture()
    readable = itertools.cycle([(True, PIXELS), (False, None)])
    monkeypatch.setattr(capture, "retrieve", lambda: next(readable))
    monkeypatch.setattr(capture, "grab", lambda: not time.sleep(0.01))

    def opened(_settings: CameraSettings) -> BrokenCapture:
        return capture

    monkeypatch.setattr(camera_device, "open_capture", opened)
    settings = Settings(bus=BusSettings(address=address), camera=CameraSettings(name="door"))
    with Node("reader", address, [VIDEO, LOG]) as reader:
        running = threading.Thread(target=camera.run, args=(settings,), daemon=True)
        running.start()
        deadline = time.monotonic() + 30
        got = reader.receive(0.05)
        while sum(one.message.event == "gap" for one in got if one.topic is VIDEO) < 5:
            assert time.monotonic() < deadline
            got += reader.receive(0.05)
        ask_to_stop(reader)
        running.join(10)
        got += reader.receive(0.2)
    told = [one.message.text for one in got if one.topic is LOG]
    assert told == ["camera auto gives an unreadable picture"]
