import socket
import sys
from pathlib import Path
from threading import Thread

import pytest

from display import screen
from display.screen import screen_available
from tests.display.x11 import entry

KEY = b"0123456789abcdef"

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


class Server:
    """Listens as an X server does; lets those in who bring the cookie, anybody without one."""

    def __init__(self, listener: socket.socket, cookie: bytes = b"") -> None:
        listener.listen()
        self._listener, self._cookie = listener, cookie
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                hello = client.recv(4096)
                client.sendall(b"\x01" if hello.endswith(self._cookie) else b"\x00")


def unix(x11: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(x11 / "X7"))
    return listener


def test_a_server_that_is_gone_is_no_screen(x11: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    with Server(unix(x11)):
        assert screen_available()
    assert (x11 / "X7").exists()
    assert not screen_available()


@pytest.mark.parametrize(
    ("authority", "is_let_in"),
    [
        (entry(KEY), True),
        (entry(b"another key 0000") + entry(KEY, "7"), True),
        (entry(KEY, "8"), False),
        (entry(b"another key 0000"), False),
        (entry(KEY)[:-3], False),
        (b"junk that is no file of that kind", False),
        (b"", False),
    ],
)
def test_a_server_that_wants_a_cookie_is_a_screen_for_who_has_it(
    authority: bytes, is_let_in: bool, x11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (x11 / "authority").write_bytes(authority)
    monkeypatch.setenv("XAUTHORITY", str(x11 / "authority"))
    monkeypatch.setenv("DISPLAY", ":7")
    with Server(unix(x11), KEY):
        assert screen_available() == is_let_in


def test_a_server_that_says_nothing_is_no_screen(
    x11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "TIMEOUT_S", 0.1)
    monkeypatch.setenv("DISPLAY", ":7")
    with unix(x11) as listener:
        listener.listen()
        assert not screen_available()


def test_a_server_on_another_host_is_a_screen(
    free_ports: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "X11_PORT", free_ports)
    monkeypatch.setenv("DISPLAY", "127.0.0.1:1.0")
    assert not screen_available()
    listener = socket.socket()
    listener.bind(("127.0.0.1", free_ports + 1))
    with Server(listener):
        assert screen_available()
