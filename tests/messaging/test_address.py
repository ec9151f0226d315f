import stat
from pathlib import Path

import pytest

from messaging.address import endpoints, private_address, shared_address
from messaging.errors import UserError


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
        endpoints(f"ipc:///tmp/{'x' * 100}")


def test_the_shared_address_lies_in_a_folder_of_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert shared_address() == f"ipc://{tmp_path}/emofuse/hub"
    assert stat.S_IMODE((tmp_path / "emofuse").stat().st_mode) == 0o700
    (tmp_path / "emofuse").chmod(0o755)
    with pytest.raises(UserError, match="not private"):
        shared_address()


def test_two_pipelines_do_not_meet(tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "two"
    assert len({private_address(folder) for folder in folders}) == 2
