"""A network camera: pictures as MJPEG over HTTP, as the cheap ones send them."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import cv2
import numpy as np


class StreamingCamera:
    """Serves pictures of ``size`` (width, height) at 50 a second while the block lasts; from
    picture ``CHANGE`` on those of size ``then``.
    """

    CHANGE = 10

    def __init__(
        self, size: tuple[int, int], port: int = 0, then: tuple[int, int] | None = None
    ) -> None:
        self._sizes = (size, then or size)
        self._gone = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sizes, change, gone = self._sizes, self.CHANGE, self._gone

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                try:
                    while not gone.is_set():
                        self.wfile.write(part(number, sizes[number >= change]))
                        number += 1
                        time.sleep(0.02)
                except OSError:  # the reader has left
                    return

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


def part(number: int, size: tuple[int, int]) -> bytes:
    pixels = np.full((size[1], size[0], 3), number % 200, np.uint8)
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
