import socket
import sys
from pathlib import Path

import pytest

from display import screen
from display.screen import screen_available

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is Linux's")


@pytest.fixture
def x11(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(screen, "X11_FOLDER", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("display", ["", "nonsense", ":", "localhost", ":x", ":99999999999999"])
def test_without_a_display_there_is_no_screen(
    display: str, x11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not list(x11.iterdir())
    monkeypatch.setenv("DISPLAY", display)
    assert not screen_available()


def test_a_server_that_is_gone_is_no_screen(x11: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(x11 / "X7"))
        server.listen()
        assert screen_available()
    assert (x11 / "X7").exists()
    assert not screen_available()


def test_a_server_on_another_host_is_a_screen(
    free_ports: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "X11_PORT", free_ports)
    monkeypatch.setenv("DISPLAY", "127.0.0.1:1.0")
    assert not screen_available()
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_ports + 1))
        server.listen()
        assert screen_available()
