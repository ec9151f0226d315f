"""Network cameras that misbehave: each is a function that answers one connection after another."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import cv2
import numpy as np

from tests.capture.streaming import part

SMALL, LARGE = (64, 48), (320, 240)
MULTIPART = "multipart/x-mixed-replace; boundary=frame"


class Connection:
    """What a camera can do on its ``number``-th connection, counted from 0."""

    def __init__(self, handler: BaseHTTPRequestHandler, number: int, over: threading.Event) -> None:
        self.number = number
        self._handler = handler
        self._over = over

    def head(self, kind: str = MULTIPART, code: int = 200) -> None:
        self._handler.send_response(code)
        self._handler.send_header("Content-Type", kind)
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        self._handler.wfile.write(data)

    def pictures(self, count: int, pause_s: float = 0.02) -> None:
        for number in range(count):
            self.send(part(number, SMALL))
            self.wait(pause_s)

    def wait(self, seconds: float) -> None:
        if self._over.wait(seconds):
            raise ConnectionAbortedError


Behaviour = Callable[[Connection], None]


class BadCamera:
    """Serves while the block lasts."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.connected: list[float] = []
        """When, on this host's monotonic clock."""
        over, connected = threading.Event(), self.connected
        self._over = over

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                connected.append(time.monotonic())
                try:
                    behaviour(Connection(self, len(connected) - 1, over))
                except OSError:  # the reader has left, or the test is over
                    return

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


def slow(connection: Connection) -> None:
    connection.head()
    connection.pictures(100, pause_s=1.0)


def falls_silent(connection: Connection) -> None:
    connection.head()
    connection.pictures(10)
    connection.wait(60)


def stops_in_the_middle_of_a_picture(connection: Connection) -> None:
    connection.head()
    connection.pictures(10)
    whole = part(10, LARGE)
    connection.send(whole[: len(whole) // 2])
    connection.wait(60)


def sends_half_pictures(connection: Connection) -> None:
    connection.head()
    connection.pictures(10)
    for number in range(100):
        whole = part(number, LARGE)
        connection.send(whole[: len(whole) // 2])
        connection.wait(0.02)


def sends_junk_for_pictures(connection: Connection) -> None:
    connection.head()
    connection.pictures(10)
    junk = np.random.default_rng(0).bytes(1000)
    while True:
        connection.send(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n")
        connection.send(junk + b"\r\n")
        connection.wait(0.02)


def changes_its_size(connection: Connection) -> None:
    connection.head()
    for number in range(1000):
        connection.send(part(number, LARGE if number // 10 % 2 else SMALL))
        connection.wait(0.02)


def gives_one_picture_a_connection(connection: Connection) -> None:
    connection.head("image/jpeg")
    connection.send(cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes())


def answers_once(connection: Connection) -> None:
    if connection.number:
        connection.wait(60)
    connection.head()
    connection.pictures(10)


def turns_into_a_web_page(connection: Connection) -> None:
    connection.head("text/html" if connection.number else MULTIPART)
    if connection.number:
        connection.send(b"<html>Please log in</html>")
    else:
        connection.pictures(10)


def turns_into_an_error(connection: Connection) -> None:
    connection.head(code=503 if connection.number else 200)
    if not connection.number:
        connection.pictures(10)


def never_answers(connection: Connection) -> None:
    connection.wait(60)


def says_no_more_than_its_head(connection: Connection) -> None:
    connection.head()
    connection.wait(60)


def is_a_web_page(connection: Connection) -> None:
    connection.head("text/html")
    connection.send(b"<html>Please log in</html>")


def wants_a_password(connection: Connection) -> None:
    connection.head(code=401)


def is_empty(connection: Connection) -> None:
    connection.head()
