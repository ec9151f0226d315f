"""A live pipeline without hardware: a network camera that shows the demo session, and its voice
through PulseAudio.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, Self

import cv2

from capture.demo import CLIP
from capture.media_file import open_media
from capture.resample import SAMPLE_RATE
from messaging.clock import monotonic_ns
from messaging.node import Node
from messaging.schema import Heartbeat
from messaging.topics import FACES, HEARTBEAT, SPEECH, UTTERANCES
from messaging.wire import Received
from tests.capture.sound_server import SoundServer
from tests.capture.talk import at, talk
from tests.pipelines import command_name, descendants, started

PATIENCE_S = 90.0
PICTURES = 50
"""Two seconds of a face that speaks; shown again and again."""
RATE_HZ = 15
SENTENCE_S = 3.2
"""With the pause of a second that follows it."""
LONGEST_S = 320.0
SURE_NS = 100_000_000
"""Of an utterance whose end is known less well (sound was lost, on a machine that stood still) the
nearest face may be another one, or none."""
OUT, ERRORS = "out", "errors"
"""Files: nobody reads them meanwhile, and a pipe would fill up."""


@cache
def _jpegs() -> list[bytes]:
    pictures = islice(open_media(CLIP).pictures(), PICTURES)
    return [cv2.imencode(".jpg", picture.pixels)[1].tobytes() for picture in pictures]


class FaceCamera:
    """Serves the demo session's first pictures as MJPEG over HTTP, while the block lasts."""

    def __init__(self) -> None:
        gone = self._gone = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                try:
                    while not gone.wait(1 / RATE_HZ):
                        jpeg = _jpegs()[number % PICTURES]
                        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                        self.wfile.write(f"--frame\r\n{head}\r\n\r\n".encode() + jpeg + b"\r\n")
                        number += 1
                except OSError:  # the reader has left
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
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def voice(server: SoundServer, file: Path, seconds: float) -> Generator[None]:
    """The demo session's first sentence again and again, with a pause of a second."""
    sentence = talk()[: at(SENTENCE_S)].tobytes()
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        for _ in range(ceil(seconds / SENTENCE_S)):
            out.writeframesraw(sentence)
    player = server.popen("paplay", "-d", "mic", str(file))
    try:
        yield
    finally:
        player.kill()
        player.wait()


class LivePipeline:
    """The real command line with its camera and microphone, and somebody who listens in."""

    def __init__(self, process: "subprocess.Popen[str]", node: Node, folder: Path) -> None:
        self.process = process
        self.folder = folder
        """Of the hub's address, and for whatever else comes up."""
        self.node = node
        self.received: list[Received[Any]] = []
        self.pulses: dict[int, Received[Heartbeat]] = {}
        self.outages: list[tuple[int, int]] = []
        """From when to when what was hit was not back, on the monotonic clock; the first is the
        start, in which the microphone may be there before the camera.
        """

    def listen(self) -> None:
        for received in self.node.receive(0.02):
            self.received.append(received)
            if received.topic is HEARTBEAT:
                self.pulses[received.message.pid] = received

    def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> float:
        """Returns how long it took, in seconds."""
        began = time.monotonic()
        while not condition():
            took = time.monotonic() - began
            assert took < patience_s, f"not after {took:.1f} s"
            assert self.process.poll() is None, self.errors()
            self.listen()
        return time.monotonic() - began

    def pid(self, row: str) -> int | None:
        """The process of a row of the table; ``None`` while there is none."""
        title = f"emofuse {row}"
        pids = [p for p in descendants(self.process.pid) if command_name(p) == title]
        return pids[-1] if pids else None

    def runs(self, row: str, but: int | None = None) -> bool:
        """Whether it runs, in another process than ``but``."""
        pid = self.pid(row)
        pulse = self.pulses.get(pid) if pid and pid != but else None
        return pulse is not None and pulse.message.state == "running"

    def hit(self, row: str, number: signal.Signals) -> float:
        """As ``strike``, and wait until an utterance that began afterwards has its label."""
        hit_ns = monotonic_ns()
        took = self.strike(row, number)
        self.until(lambda: self.matched_since(hit_ns))
        return took

    def strike(self, row: str, number: signal.Signals) -> float:
        """Send the row's process a signal that ends its work. Returns after how many seconds
        another one runs, and all links of the chain work on what happened since.
        """
        former, hit_ns = self.pid(row), monotonic_ns()
        assert former is not None
        os.kill(former, number)
        took = self.until(lambda: self.runs(row, but=former) and self.labels_since(hit_ns))
        self.outages.append((hit_ns, monotonic_ns()))
        return took

    def suffered(self, record: dict[str, Any]) -> bool:
        """Whether an utterance overlaps an outage."""
        onset, offset = (record[at]["captured_ns"] for at in ("onset", "offset"))
        return any(onset < back_ns and hit_ns < offset for hit_ns, back_ns in self.outages)

    def labels_since(self, instant_ns: int) -> bool:
        """Whether all links of the chain work on what happened after an instant: the picture's
        faces are labelled, and the sound is analysed.
        """
        faces = any(
            r.topic is FACES and r.message.faces and r.message.stamp.pipeline_ns > instant_ns
            for r in reversed(self.received)
        )
        speech = any(
            r.topic is SPEECH
            and r.message.event in ("analysed_until", "started", "ended")
            and r.message.stamp.pipeline_ns > instant_ns
            for r in reversed(self.received)
        )
        return faces and speech

    def until_undisturbed(self) -> None:
        """Until an utterance that no outage came near got its label."""
        now_ns = monotonic_ns()
        self.until(lambda: self.matched_since(now_ns))

    def matched_since(self, instant_ns: int) -> bool:
        """Whether an utterance that began after an instant got its label."""
        return any(
            r.topic is UTTERANCES
            and r.message.final
            and r.message.status == "matched"
            and r.message.onset.pipeline_ns > instant_ns
            for r in self.received
        )

    def first_ns(self) -> int:
        """When the first utterance that got its label began."""
        finals = (r.message for r in self.received if r.topic is UTTERANCES and r.message.final)
        return next(u.onset.pipeline_ns for u in finals if u.status == "matched")

    def end(self) -> tuple[list[dict[str, Any]], str]:
        """Ctrl-C; its JSON records and its standard error."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=PATIENCE_S)
        out = (self.folder / OUT).read_text()
        return [json.loads(line) for line in out.splitlines()], self.errors()

    def errors(self) -> str:
        """Its standard error so far."""
        return (self.folder / ERRORS).read_text()


@contextmanager
def live_pipeline(
    *options: str, misbehaving: str = "", longest_s: float = LONGEST_S, **extra: str
) -> Generator[LivePipeline]:
    """Running, with every node up and the first utterance labelled. After ``longest_s`` the voice
    falls silent. ``extra`` goes into its environment.
    """
    # Not tmp_path: the name of a socket is limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="live") as name:
        folder = Path(name)
        server = SoundServer(folder, 16_000, 1)
        sound = {k: server.environment[k] for k in ("XDG_RUNTIME_DIR", "HOME", "ALSA_CONFIG_PATH")}
        address = f"ipc://{folder}/hub"
        try:
            with (
                FaceCamera() as camera,
                voice(server, folder / "talk.wav", longest_s),
                (folder / OUT).open("w") as out,
                (folder / ERRORS).open("w") as errors,
                started(
                    *("--camera", camera.url, "--microphone", "auto", "--json", *options),
                    demo=False,
                    misbehaving=misbehaving,
                    into=(out, errors),
                    EMOFUSE_BUS__ADDRESS=address,
                    **sound,
                    **extra,
                ) as process,
                Node(
                    "listener", address, (FACES, SPEECH, UTTERANCES, HEARTBEAT), "info", PATIENCE_S
                ) as node,
            ):
                pipeline = LivePipeline(process, node, folder)
                pipeline.until(lambda: pipeline.matched_since(0))
                pipeline.outages.append((0, pipeline.first_ns()))
                yield pipeline
        finally:
            server.kill()
