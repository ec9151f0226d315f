"""A host that vanishes without a word, and comes back."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from messaging.clock import monotonic_ns
from messaging.schema import UtteranceEmotion
from messaging.topics import FACES, UTTERANCES
from tests.films import make_film, make_talk
from tests.haste import within_s
from tests.numbers import holes, lost
from tests.shares import DESK, Shares, shares

BACK_S = 3.0
FIELD = "field"
"""Names by which each worker begins with the other host's camera."""
GUEST = "guest"


def nodes(folder: Path) -> dict[str, dict[str, object]]:
    """A camera with a microphone and a worker on either host; and a guest at the desk, whom the far
    camera films.
    """
    film = str(make_film(folder / "film.mkv"))
    guest = {"kind": "media", "file": str(make_talk(folder / "guest.wav")), "cameras": [FIELD]}
    return {
        "nodes.hub": {"kind": "hub", "host": DESK},
        "nodes.join": {"kind": "fusion", "host": DESK},
        f"nodes.{GUEST}": {**guest, "host": DESK},
        f"nodes.{DESK}": {"kind": "media", "file": film, "host": DESK},
        f"nodes.{FIELD}": {"kind": "media", "file": film, "host": FIELD},
        "nodes.worker-desk": {"kind": "inference", "host": DESK},
        "nodes.worker-field": {"kind": "inference", "host": FIELD},
    }


def worker_of(lab: Shares, camera: str) -> str:
    shown = [r for r in lab.near.of(FACES) if r.message.source == camera]
    return shown[-1].sender


def later(lab: Shares, microphone: str, since_ns: int) -> Iterator[UtteranceEmotion]:
    """The last words on what was said later."""
    finals = (u for u in lab.near.finals() if u.source == microphone)
    return (u for u in finals if u.onset.pipeline_ns > since_ns)


def test_a_host_that_vanishes_takes_its_own_pictures_with_it_and_works_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    with shares(nodes(tmp_path), [FIELD]) as lab:
        near = lab.near
        lab.until(lambda: all(near.matched(each, 0) for each in (DESK, FIELD, GUEST)))
        lab.until(lambda: worker_of(lab, DESK) == "worker-field")

        lab.links[FIELD].silence()
        lab.kill(FIELD)
        gone_ns = monotonic_ns()
        took_s = lab.until(lambda: near.labels(DESK, gone_ns))
        print(f"the others are labelled after {took_s:.2f} s")
        assert took_s < within_s(BACK_S)
        assert worker_of(lab, DESK) == "worker-desk"
        lab.until(lambda: near.matched(DESK, gone_ns) and any(later(lab, GUEST, gone_ns)))
        without = list(later(lab, GUEST, gone_ns))
        lab.until(lambda: all(near.row(name).is_silent for name in (FIELD, "worker-field")))
        assert not near.row(DESK).is_silent

        lab.links[FIELD].restore()
        back_ns = lab.restart(FIELD)
        took_s = lab.until(lambda: near.labels(FIELD, back_ns))
        print(f"back after {took_s:.2f} s")
        assert took_s < within_s(BACK_S)
        lab.until(lambda: all(near.matched(each, back_ns) for each in (DESK, FIELD, GUEST)))
        lab.end(FIELD, DESK)
        _, summary = lab.printed(DESK)

    assert {(u.status, u.settled, u.label) for u in without} == {("gap_exceeded", False, None)}
    assert_each_has_one_last_word(lab)
    assert not holes(near.received)
    join = near.beats["join"]
    assert not lost(join)
    broke_off = {(c.topic, c.sender) for c in join.counts if c.unknown}
    assert {("speech", FIELD), ("faces", "worker-field")} <= broke_off
    assert (near.row(FIELD).restarts, near.row("worker-field").restarts) == (1, 1)
    assert summary["restarts"] == {}


def assert_each_has_one_last_word(lab: Shares) -> None:
    """Also what was being said when the microphone vanished: it ends where that was heard last."""
    announced = Counter(r.message.id for r in lab.near.of(UTTERANCES) if not r.message.final)
    assert announced == Counter(utterance.id for utterance in lab.near.finals())
