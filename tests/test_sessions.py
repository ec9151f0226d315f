"""A session gives the same labels again: at any speed, in any order of arrival."""

import random
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import fusion.node
import inference.node
import recording.player
from config.settings import BusSettings, FusionSettings, InferenceSettings, ReplaySettings, Settings
from fusion.match import Match
from messaging.node import Node
from messaging.schema import Control, Heartbeat, UtteranceEmotion
from messaging.topics import CONTROL, UTTERANCES
from messaging.wire import Received, encode
from recording.session import open_session
from tests.delays import DelayingHub
from tests.pipelines import Outcome, label
from tests.sets import demo, toml

PATIENCE_S = 90.0
SEEDS = range(10)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """The demo session, recorded, and what was labelled while it was."""
    folder = tmp_path_factory.mktemp("recorded") / "session"
    return folder, label("--speed", "max", "--record", folder)


def replayed(folder: Path, *options: str) -> list[dict[str, Any]]:
    return label("replay", str(folder), *options, demo=False).utterances


def encoded(result: UtteranceEmotion) -> bytes:
    """All of the message but its envelope, which tells who sent it when."""
    return encode(UTTERANCES, result, "fusion", 0, 0)[1]


@contextmanager
def nodes_in_threads(
    settings: Settings, runs: Sequence[Callable[[Settings], None]]
) -> Generator[None]:
    """Real nodes with sockets of their own; those that serve for ever are told to stop."""
    threads = [threading.Thread(target=run, args=(settings,)) for run in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        with Node("test", settings.bus.address) as node:
            while any(thread.is_alive() for thread in threads):
                node.publish(CONTROL, Control(node.stamp(), "stop", node.name))
                node.receive(0.1)


def delayed(folder: Path, seed: int, start_from: str = "capture") -> list[bytes]:
    """The final results of a replay at full speed whose every message is held up on its way, its
    nodes started in an order of their own.
    """
    order = [recording.player.run, inference.node.run, fusion.node.run]
    if start_from == "faces":
        order.remove(inference.node.run)
    random.Random(seed).shuffle(order)
    address = f"ipc://{folder.parent}/h{seed}{start_from[0]}"
    readers = ("fusion", "reader") if start_from == "faces" else ("inference", "fusion", "reader")
    settings = Settings(
        bus=BusSettings(address=address, connect_timeout_s=PATIENCE_S),
        replay=ReplaySettings(
            session=folder,
            speed="max",
            wait_for=readers,
            start_from="faces" if start_from == "faces" else "capture",
        ),
        inference=InferenceSettings(pictures="jpeg"),
        fusion=FusionSettings(exit_when_closed=True),
    )
    received: list[Received[UtteranceEmotion]] = []
    hub = DelayingHub(address, seed)
    try:
        with nodes_in_threads(settings, order), Node("reader", address, (UTTERANCES,)) as reader:
            while len(received) != sent_by(reader.peers().get("fusion")):
                assert reader.alive()
                received += reader.receive(0.1)
    finally:
        hub.close()
    return [encoded(each.message) for each in received if each.message.final]


def sent_by(fusion: Heartbeat | None) -> int | None:
    """How many results it has sent, once it has done: its last word may overtake them."""
    if fusion is None or fusion.state != "closing":
        return None
    counts = (c for c in fusion.counts if c.topic == UTTERANCES.name and not c.sender)
    return sum(count.messages for count in counts)


@pytest.fixture(scope="module")
def reference(session: tuple[Path, Outcome]) -> list[bytes]:
    return delayed(session[0], seed=99)


def test_from_the_faces_a_replay_gives_what_was_labelled_live(
    session: tuple[Path, Outcome],
) -> None:
    folder, live = session
    assert [u["label"] for u in live.utterances] == ["happy", "surprise", "sad", "angry"]
    assert all(u["settled"] for u in live.utterances)
    assert replayed(folder, "--from", "faces", "--speed", "max") == live.utterances


def test_the_recorded_results_are_those_that_were_printed(session: tuple[Path, Outcome]) -> None:
    folder, live = session
    finals = [r.message for r in open_session(folder).records(UTTERANCES) if r.message.final]
    assert [f.id for f in finals] == [u["id"] for u in live.utterances]
    assert [f.dt_ns for f in finals] == [u["dt_ns"] for u in live.utterances]


def test_at_any_speed_a_replay_gives_the_same(session: tuple[Path, Outcome]) -> None:
    """Through the command line, each node a process of its own."""
    folder, live = session
    fast, quick, slow = (replayed(folder, "--speed", speed) for speed in ("max", "4", "0.5"))
    assert fast == quick == slow
    assert [u["label"] for u in fast] == [u["label"] for u in live.utterances]


@pytest.mark.parametrize("seed", SEEDS)
def test_however_messages_are_held_up_a_replay_gives_the_same_bytes(
    session: tuple[Path, Outcome], reference: list[bytes], seed: int
) -> None:
    assert len(reference) == 4
    assert sorted(delayed(session[0], seed)) == sorted(reference)


def test_a_join_that_trusts_the_order_of_arrival_is_found_out(
    session: tuple[Path, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same comparison, with a bug planted: what is nearest so far is given out at once."""
    right = delayed(session[0], 99, "faces")
    monkeypatch.setattr(Match, "is_proven", property(lambda _: True))
    assert any(sorted(delayed(session[0], seed, "faces")) != sorted(right) for seed in range(5))


def test_two_recorders_of_one_machine_record_a_session_each(tmp_path: Path) -> None:
    tapes = {"whole": "no-video", "words": "labels"}
    file = tmp_path / "set.toml"
    file.write_text(
        toml(
            {f"nodes.{kind}": {"kind": kind} for kind in ("inference", "fusion")}
            | {"nodes.film": demo(speed="max")}
            | {
                f"nodes.{name}": {"kind": "recorder", "folder": str(tmp_path / name), "mode": mode}
                for name, mode in tapes.items()
            }
        )
    )
    utterances = label("--config", file, demo=False).utterances
    for name, mode in tapes.items():
        session = open_session(tmp_path / name)
        assert session.setting("recording", "mode", "") == mode
        recorded: list[Any] = [received.message for received in session.records(UTTERANCES)]
        assert [u.label for u in recorded if u.final] == [u["label"] for u in utterances]
        assert session.faults() == []
