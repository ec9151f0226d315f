from typing import Any

import pytest

from display.requests import Requests
from display.session import Session
from messaging.schema import Control, Marker, Stamp
from messaging.topics import CONTROL, MARKERS
from tests.display.messages import MS, word


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def requests(session: Session) -> Requests:
    return Requests("display", session)


def at(ms: float) -> Stamp:
    return Stamp(round(ms * MS), "clock", 5)


def action(asked: Any) -> str:
    topic, control = asked
    assert topic is CONTROL
    assert isinstance(control, Control)
    assert control.reader == "display"
    return control.action


def test_r_starts_and_stops_the_recording_by_the_recorders_word(
    session: Session, requests: Requests
) -> None:
    assert action(requests.of("r", at(0))) == "record"
    session.on_heartbeat(word("recorder", 900, "recording"))
    assert action(requests.of("R", at(1000))) == "rest"
    session.on_heartbeat(word("recorder", 1900, "resting"))
    assert action(requests.of("r", at(2000))) == "record"


def test_a_recorder_that_fell_silent_is_asked_to_record(
    session: Session, requests: Requests
) -> None:
    """As the warning says, nobody knows whether it does."""
    session.on_heartbeat(word("recorder", 0, "recording"))
    assert action(requests.of("r", at(4000))) == "record"


def test_m_marks_the_moment_of_the_key_and_counts(requests: Requests) -> None:
    stamps = [at(0), at(200), at(5000)]
    assert [requests.of("m", stamp) for stamp in stamps] == [
        (MARKERS, Marker(stamp, f"marker {number}", "display"))
        for number, stamp in enumerate(stamps, 1)
    ]


def test_space_pauses_and_resumes_a_player_and_nothing_else(
    session: Session, requests: Requests
) -> None:
    session.on_heartbeat(word("media", 0, "", progress=0.5))
    assert requests.of(" ", at(10)) is None
    session.on_heartbeat(word("player", 1000, "", progress=0.5))
    assert action(requests.of(" ", at(1010))) == "pause"
    session.on_heartbeat(word("player", 1900, "paused", "waiting", progress=0.5))
    assert action(requests.of(" ", at(2000))) == "resume"
    assert requests.of(" ", at(9000)) is None


@pytest.mark.parametrize(("key", "most"), [("r", 1), (" ", 1), ("m", 2)])
def test_a_key_that_is_held_down_does_not_ask_again_and_again(
    key: str, most: int, session: Session, requests: Requests
) -> None:
    """It repeats after half a second, then 30 times a second; the recorder answers meanwhile."""
    asked = [requests.of(key, at(0))]
    for number in range(60):
        session.on_heartbeat(word("player", 500, "", progress=0.5))
        session.on_heartbeat(word("recorder", 500, ("recording", "resting")[number % 2]))
        asked.append(requests.of(key, at(500 + number * 33)))
    assert sum(request is not None for request in asked) <= most


@pytest.mark.parametrize("key", ["", "x", "q", "rr", "\x1b", "é"])
def test_other_keys_ask_for_nothing(key: str, requests: Requests) -> None:
    assert requests.of(key, at(0)) is None
