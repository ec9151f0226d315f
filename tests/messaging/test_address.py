import stat
from pathlib import Path

import pytest

from messaging.address import (
    endpoints,
    nobody_at,
    private_address,
    refuse_strangers,
    shared_address,
)
from messaging.errors import UserError
from messaging.hub import Hub
from messaging.node import Node


def test_tcp_takes_five_neighbouring_ports() -> None:
    places = endpoints("tcp://10.0.0.7:5550")
    assert (places.bulk_in, places.clock) == ("tcp://10.0.0.7:5550", "tcp://10.0.0.7:5554")


@pytest.mark.parametrize(
    "address",
    ["", "hub", "udp://x:1", "tcp://host", "tcp://:5550", "tcp://host:port", "tcp://host:65534"],
)
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(UserError, match="hub address"):
        endpoints(address)


def test_a_path_that_does_not_fit_in_a_socket_s_name_is_refused() -> None:
    with pytest.raises(UserError, match="choose a shorter folder"):
        endpoints(f"ipc:///{'x' * 110}")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
def test_a_port_of_this_machine_alone_is_no_risk(host: str) -> None:
    refuse_strangers(f"tcp://{host}:5550")
    refuse_strangers("ipc:///some/hub")


@pytest.mark.parametrize("host", ["0.0.0.0", "*", "10.0.0.7", "[::]", "eth0"])
def test_a_port_beyond_this_machine_is_refused(host: str) -> None:
    with pytest.raises(UserError, match="without keys and unencrypted"):
        refuse_strangers(f"tcp://{host}:5550")


@pytest.mark.parametrize(
    ("address", "way_out"),
    [
        ("ipc:///some/hub", "start one: emofuse hub --bind ipc:///some/hub"),
        ("tcp://127.0.0.1:5550", "start one: emofuse hub --bind tcp://127.0.0.1:5550"),
        ("tcp://0.0.0.0:5550", "start one: emofuse hub --bind tcp://0.0.0.0:5550"),
        ("tcp://*:5550", "start one: emofuse hub --bind tcp://*:5550"),
        ("tcp://a..b:5550", "'a..b' is no name of a host; check it"),
        (
            "tcp://192.0.2.7:5550",  # nobody's: RFC 5737
            "start one on that machine: emofuse hub --bind tcp://0.0.0.0:5550 --keys FOLDER",
        ),
    ],
)
def test_where_a_hub_that_does_not_answer_is_to_be_started(address: str, way_out: str) -> None:
    assert nobody_at(address, None) == way_out


def test_a_host_that_has_no_address_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"within 0.2 s; no host no-host.invalid is known here \("),
        Node("one", "tcp://no-host.invalid:5550", connect_timeout_s=0.2),
    ):
        pass
    told = nobody_at("tcp://127.0.0.1:5550", tmp_path)
    assert told.endswith(f"--bind tcp://127.0.0.1:5550 --keys {tmp_path}")


def test_the_shared_address_lies_in_a_folder_of_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert shared_address() == f"ipc://{tmp_path}/emofuse/hub"
    assert stat.S_IMODE((tmp_path / "emofuse").stat().st_mode) == 0o700
    (tmp_path / "emofuse").chmod(0o755)
    with pytest.raises(UserError, match="not private"):
        shared_address()


def test_a_runtime_folder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "no"))
    with pytest.raises(UserError, match="mend XDG_RUNTIME_DIR"):
        shared_address()


def test_two_hubs_in_one_folder_have_a_lock_each(tmp_path: Path) -> None:
    hubs = [Hub(f"ipc://{tmp_path}/room.{name}") for name in ("one", "two")]
    for hub in hubs:
        hub.close()
    assert not list(tmp_path.iterdir())


def test_two_pipelines_do_not_meet(tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "two"
    assert len({private_address(folder) for folder in folders}) == 2
