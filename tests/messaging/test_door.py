"""Who is let in and who is not, and what both sides say about it."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from messaging.bus import Bus
from messaging.complaints import MOST, Complaints
from messaging.errors import UserError
from messaging.hub import Hub
from messaging.keys import HUB, KNOWN, Keys, let_in, read_keys
from messaging.node import Node
from messaging.schema import Marker
from messaging.topics import CLOCK, MARKERS
from tests.machines import machine

PATIENCE_S = 20.0


@pytest.fixture
def where(free_ports: int) -> str:
    return f"tcp://127.0.0.1:{free_ports}"


@pytest.fixture
def studio(tmp_path: Path) -> Keys:
    """Where the hub is."""
    return machine(tmp_path / "studio")


@contextmanager
def hub_at(where: str, keys: Keys | None) -> Generator[Hub]:
    hub = Hub(where, keys=None if keys is None else keys.folder)
    try:
        yield hub
    finally:
        hub.close()


def refused(where: str, keys: Keys | None) -> str:
    """What a node that does not wait is told."""
    folder = None if keys is None else keys.folder
    node = Node("camera", where, connect_timeout_s=PATIENCE_S, keys=folder, waits_at_door=False)
    with pytest.raises(UserError) as told, node:
        pass
    return str(told.value)


def complaint(hub: Hub) -> str:
    """The hub's first."""
    deadline = time.monotonic() + PATIENCE_S
    while not (told := hub.door.complaints()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return told[0]


def test_without_keys_nobody_is_let_in_by_a_hub_with_keys(where: str, studio: Keys) -> None:
    with hub_at(where, studio) as hub:
        told = refused(where, None)
        assert (
            told
            == f"the hub at {where} lets in those with keys alone; name their folder with --keys"
        )
        assert "somebody showed no key, and was not let in" in complaint(hub)


def test_with_keys_nobody_joins_a_hub_without(where: str, studio: Keys) -> None:
    """It might be another one, who wants to listen."""
    with hub_at(where, None) as hub:
        assert f"the hub at {where} runs without keys; start it with --keys" in refused(
            where, studio
        )
        assert "this hub was started without --keys" in complaint(hub)


def test_a_key_that_the_hub_does_not_know(where: str, studio: Keys, tmp_path: Path) -> None:
    camera = machine(tmp_path / "camera", studio, known=False)
    with hub_at(where, studio) as hub:
        told = refused(where, camera)
        assert told.endswith(
            f"does not know this machine's key; there: emofuse keys add '{camera.line}'"
        )
        told = complaint(hub)
        assert f"127.0.0.1 was not let in: its key {camera.public[:8]}... is not known here" in told


@pytest.mark.parametrize("named", [True, False])
def test_another_hub_s_public_key(where: str, studio: Keys, tmp_path: Path, *, named: bool) -> None:
    elsewhere = machine(tmp_path / "elsewhere")
    camera = machine(tmp_path / "camera", elsewhere if named else None)
    with hub_at(where, studio) as hub:
        told = refused(where, camera)
        assert told.endswith("add it here: emofuse keys add --hub 'NAME KEY'")
        assert (f"is not the one whose public key {camera.folder / HUB} holds" in told) is named
        assert (f"{camera.folder} does not hold its public key" in told) is not named
        assert f"emofuse keys add --hub '{studio.line}'" in complaint(hub)


@pytest.mark.parametrize("step", [-1, 1, 4])
def test_another_port_than_the_hub_s_first_is_no_wrong_key(
    free_ports: int, studio: Keys, step: int
) -> None:
    beside = f"tcp://127.0.0.1:{free_ports + step}"
    with hub_at(f"tcp://127.0.0.1:{free_ports}", studio):
        told = refused(beside, studio)
    assert told == (
        f"not all five ports of a hub are there from {beside} on; give the hub's own address: "
        "the first of the five"
    )


def test_a_node_waits_at_the_door_until_its_key_is_known(
    where: str, studio: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    camera = machine(tmp_path / "camera", studio, known=False)
    logging.getLogger("emofuse.camera").addHandler(caplog.handler)
    began_s = time.monotonic()

    def let_it_in_later() -> None:
        if time.monotonic() - began_s > 4.0:
            let_in(studio, camera.name, camera.public)

    with (
        hub_at(where, studio),
        Node("camera", where, (), "info", 3.0, let_it_in_later, keys=camera.folder) as node,
    ):
        assert node.alive()
    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    refused = [text for text in told if "does not know this machine's key" in text]
    assert len(refused) == 1
    assert all("clock" in text for text in told if text not in refused)


def test_who_was_in_says_why_a_hub_that_started_anew_refuses_it(
    where: str, studio: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And comes back in when it is let in again."""
    camera = machine(tmp_path / "camera", studio)
    known = (studio.folder / KNOWN).read_text()
    logging.getLogger("emofuse.camera").addHandler(caplog.handler)
    with hub_at(where, studio) as first, Node("camera", where, keys=camera.folder) as node:
        first.close()
        (studio.folder / KNOWN).write_text("")
        with (
            hub_at(where, studio),
            Node("studio", where, [MARKERS], keys=studio.folder) as reader,
        ):
            deadline = time.monotonic() + PATIENCE_S
            while not caplog.records:
                assert time.monotonic() < deadline
                node.publish(MARKERS, Marker(node.stamp(), "unheard"))
                assert not reader.receive(0.01)
                node.alive()
            (studio.folder / KNOWN).write_text(known)
            while not reader.receive(0.01):
                assert time.monotonic() < deadline
                node.publish(MARKERS, Marker(node.stamp(), "heard"))
                node.alive()
    assert "does not know this machine's key" in caplog.records[0].message


def test_the_clock_is_there_again_as_well(
    where: str, studio: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # of another machine, or there would be nothing to ask
    monkeypatch.setattr("messaging.clock_client.clock_name", lambda: "far")
    camera = machine(tmp_path / "camera", studio)
    known = (studio.folder / KNOWN).read_text()
    with (
        hub_at(where, studio) as first,
        Node("camera", where, keys=camera.folder) as node,
    ):
        listener = Bus("listener", where, [CLOCK], keys=studio.folder)
        first.close()
        (studio.folder / KNOWN).write_text("")
        with hub_at(where, studio) as hub:
            listener.join(PATIENCE_S, lambda: None)
            deadline = time.monotonic() + PATIENCE_S
            while not hub.door.complaints():
                assert time.monotonic() < deadline
                node.alive()
            (studio.folder / KNOWN).write_text(known)
            while not listener.receive(0.01):
                assert time.monotonic() < deadline
                node.alive()
            listener.close()


def test_whose_line_is_deleted_does_not_come_in_again(
    where: str, studio: Keys, tmp_path: Path
) -> None:
    camera = machine(tmp_path / "camera", studio)
    with hub_at(where, studio):
        with Node("camera", where, keys=camera.folder):
            pass
        (studio.folder / KNOWN).unlink()
        assert "does not know this machine's key" in refused(where, camera)


def test_a_list_that_was_damaged_lets_in_whom_it_still_names(
    where: str, studio: Keys, tmp_path: Path
) -> None:
    camera = machine(tmp_path / "camera", studio)
    with hub_at(where, studio) as hub:
        with (studio.folder / KNOWN).open("a") as out:
            out.write("rubbish\n")
        with Node("camera", where, keys=camera.folder):
            pass
        assert "line 3: expected NAME KEY" in complaint(hub)
    with pytest.raises(UserError, match="line 3: expected NAME KEY"):
        Hub(where, keys=studio.folder)


def test_a_machine_that_connects_to_another_hub_is_none(
    where: str, studio: Keys, tmp_path: Path
) -> None:
    camera = machine(tmp_path / "camera", studio)
    with pytest.raises(
        UserError, match=r"hub.key holds another hub's public key, and here is a hub"
    ):
        Hub(where, keys=camera.folder)
    with hub_at(where, studio):
        assert read_keys(camera.folder).hub == studio.public


def test_complaints_are_told_at_once_and_then_once_a_minute_with_their_number() -> None:
    complaints = Complaints()
    complaints.note("no key")
    assert complaints.due(0.0) == ["no key"]
    for _ in range(1000):
        complaints.note("no key")
    assert complaints.due(59.0) == []
    assert complaints.due(60.0) == ["no key (1000 times)"]
    assert complaints.due(180.0) == []
    complaints.note("no key")
    assert complaints.due(181.0) == ["no key"]


def test_a_flood_of_different_complaints_is_told_in_few_lines() -> None:
    complaints = Complaints()
    for number in range(10_000):
        complaints.note(f"stranger {number}")
    told = complaints.due(0.0)
    assert len(told) == MOST + 1
    assert told[-1] == f"other strangers were refused ({10_000 - MOST} times)"
