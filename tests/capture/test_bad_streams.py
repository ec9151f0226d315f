"""Network cameras that misbehave are told, tried again more and more seldom, and never waited for
in silence.
"""

import itertools
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from capture.camera import pictures
from capture.camera_device import BACK_OFF_S, Camera
from config.settings import CameraSettings
from messaging.errors import UserError
from messaging.schema import Stamp, VideoFrame
from tests.capture import bad_streams as bad
from tests.capture.bad_streams import BadCamera, Behaviour

WATCH_S = 8.0
SILENCE_S = 3.5
"""A read is given up after 2 s, and a gap is told about once a second."""

LIVING: tuple[Behaviour, ...] = (
    bad.slow,
    bad.changes_its_size,
    bad.falls_silent,
    bad.stops_in_the_middle_of_a_picture,
    bad.sends_half_pictures,
    bad.sends_junk_for_pictures,
    bad.gives_one_picture_a_connection,
    bad.answers_once,
    bad.turns_into_a_web_page,
    bad.turns_into_an_error,
)
DEAD: tuple[Behaviour, ...] = (
    bad.never_answers,
    bad.says_no_more_than_its_head,
    bad.is_a_web_page,
    bad.wants_a_password,
    bad.is_empty,
)
KEEP_WAITING = (bad.answers_once, bad.never_answers, bad.says_no_more_than_its_head)


@dataclass(frozen=True)
class Watched:
    frames: tuple[VideoFrame, ...]
    told: tuple[float, ...]
    """When each frame was, on this host's monotonic clock."""
    connected: tuple[float, ...]
    error: str = ""

    @property
    def events(self) -> list[str]:
        """Repetitions left out."""
        return [event for event, _ in itertools.groupby(frame.event for frame in self.frames)]


def watch(behaviour: Behaviour) -> Watched:
    frames: list[VideoFrame] = []
    told: list[float] = []
    with BadCamera(behaviour) as street:
        try:
            with Camera(CameraSettings(device=street.url)) as camera:
                end = time.monotonic() + WATCH_S
                stream = pictures(camera, "c", lambda: time.monotonic() < end, stamp)
                for frame, pixels in stream:
                    told.append(time.monotonic())
                    frames.append(frame)
                    assert pixels is None or pixels.shape == (frame.height, frame.width, 3)
        except UserError as error:
            return Watched((), (), tuple(street.connected), str(error))
        return Watched(tuple(frames), tuple(told), tuple(street.connected))


def stamp(at_ns: int) -> Stamp:
    return Stamp(at_ns, "this host")


@pytest.fixture(scope="module")
def watched() -> dict[Behaviour, Watched]:
    """All at once: they wait more than they work. OpenCV opens one stream at a time in a process,
    so those that keep it waiting get one of their own.
    """
    quick = [one for one in LIVING + DEAD if one not in KEEP_WAITING]
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(len(KEEP_WAITING), spawn) as processes,
        ThreadPoolExecutor(len(quick)) as threads,
    ):
        futures = {one: processes.submit(watch, one) for one in KEEP_WAITING}
        futures |= {one: threads.submit(watch, one) for one in quick}
        return {one: future.result() for one, future in futures.items()}


def named(behaviour: Behaviour) -> str:
    return behaviour.__name__


Cameras = dict[Behaviour, Watched]


@pytest.mark.parametrize("behaviour", LIVING, ids=named)
def test_there_is_always_a_picture_or_a_gap(behaviour: Behaviour, watched: Cameras) -> None:
    seen = watched[behaviour]
    assert not seen.error
    assert (seen.events[:2], seen.events[-1]) == (["opened", "picture"], "closed")
    assert max(b - a for a, b in itertools.pairwise(seen.told)) < SILENCE_S
    instants = [frame.stamp.captured_ns for frame in seen.frames]
    assert all(a < b for a, b in itertools.pairwise(instants))
    told = [frame.text for frame in seen.frames if frame.event == "gap"]
    assert all(text.startswith("camera http://127.0.0.1:") and "\n" not in text for text in told)


@pytest.mark.parametrize("behaviour", [bad.slow, bad.changes_its_size], ids=named)
def test_a_camera_that_goes_on_is_not_lost(behaviour: Behaviour, watched: Cameras) -> None:
    assert watched[behaviour].events == ["opened", "picture", "closed"]
    assert len(watched[behaviour].connected) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        bad.falls_silent,
        bad.stops_in_the_middle_of_a_picture,
        bad.sends_half_pictures,
        bad.sends_junk_for_pictures,
        bad.gives_one_picture_a_connection,
    ],
    ids=named,
)
def test_a_camera_that_is_lost_comes_back(behaviour: Behaviour, watched: Cameras) -> None:
    assert watched[behaviour].events[1:4] == ["picture", "gap", "picture"]


@pytest.mark.parametrize(
    "behaviour", [bad.answers_once, bad.turns_into_a_web_page, bad.turns_into_an_error], ids=named
)
def test_a_camera_that_stays_away_is_told_every_second(
    behaviour: Behaviour, watched: Cameras
) -> None:
    seen = watched[behaviour]
    assert seen.events == ["opened", "picture", "gap", "closed"]
    assert sum(frame.event == "gap" for frame in seen.frames) >= WATCH_S - SILENCE_S


@pytest.mark.parametrize(
    "behaviour",
    [
        bad.sends_half_pictures,
        bad.gives_one_picture_a_connection,
        bad.turns_into_a_web_page,
        bad.turns_into_an_error,
    ],
    ids=named,
)
def test_it_is_tried_again_more_and_more_seldom(behaviour: Behaviour, watched: Cameras) -> None:
    connected = watched[behaviour].connected
    assert len(connected) >= 3
    pauses = [b - a for a, b in itertools.pairwise(connected)]
    assert all(pause >= least for pause, least in zip(pauses, BACK_OFF_S, strict=False))


def test_half_a_picture_is_none(watched: Cameras) -> None:
    """What is stamped when patience ended would be a picture of two seconds before."""
    seen = watched[bad.stops_in_the_middle_of_a_picture].frames
    shown = [
        (a.stamp.captured_ns, b.stamp.captured_ns)
        for a, b in itertools.pairwise(seen)
        if a.event == b.event == "picture"
    ]
    assert max(b - a for a, b in shown) < 1_000_000_000


@pytest.mark.parametrize("behaviour", DEAD, ids=named)
def test_what_is_no_camera_is_told_in_one_line(behaviour: Behaviour, watched: Cameras) -> None:
    error = watched[behaviour].error
    assert error.startswith("no camera answers at http://127.0.0.1:")
    assert "\n" not in error
