"""Sets of nodes that one file describes, run by the real command line."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capture.demo import CLIP
from messaging.node import Node
from messaging.schema import FaceEmotions
from messaging.topics import FACES, HEARTBEAT
from messaging.wire import Received
from tests.pipelines import command_name, descendants, started

PATIENCE_S = 90.0
LISTENER = "listener"

Tables = Mapping[str, Mapping[str, object]]


def toml(tables: Tables) -> str:
    """Values as JSON has them are values of TOML, too."""
    lines: list[str] = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines)


def demo(**keys: object) -> dict[str, object]:
    """The demo session as a camera with a microphone."""
    return {"kind": "media", "file": str(CLIP), **keys}


class SetOfNodes:
    """A set that runs, with somebody who listens to what its workers say."""

    def __init__(self, process: "subprocess.Popen[str]", node: Node) -> None:
        self.process, self.node = process, node
        self.stderr = ""
        self.faces: list[Received[FaceEmotions]] = []

    def listen(self) -> None:
        self.node.alive()  # shows itself
        self.faces += [r for r in self.node.receive(0.02) if r.topic is FACES]

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline
            assert self.process.poll() is None, self.process.communicate()
            self.listen()

    def answers(self, worker: str) -> int:
        """Pictures that it has answered so far."""
        return sum(r.sender == worker and r.message.event == "analysed" for r in self.faces)

    def camera_of(self, worker: str) -> str:
        return next(r.message.source for r in reversed(self.faces) if r.sender == worker)

    def hit(self, node: str, number: signal.Signals) -> None:
        (pid,) = (p for p in descendants(self.process.pid) if command_name(p) == f"emofuse {node}")
        os.kill(pid, number)

    def end(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Its utterances and its summary, once it has come to its end."""
        self.until(lambda: any(r.message.event == "closed" for r in self.faces))
        while self.process.poll() is None:
            self.listen()
        out, self.stderr = self.process.communicate(timeout=PATIENCE_S)
        self.listen()
        assert self.process.returncode == 0, self.stderr
        *utterances, summary = (json.loads(line) for line in out.splitlines())
        return utterances, summary

    def answered(self) -> dict[str, Counter[int]]:
        """How often each picture was answered, by camera."""
        counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for received in self.faces:
            if received.message.event == "analysed":
                counts[received.message.source][received.message.index] += 1
        return dict(counts)

    def answered_twice(self, camera: str) -> bool:
        """Whether a second answer was given; the join says so where it met one. A machine that
        stands still for half a second makes a worker look dead.
        """
        twice = max(self.answered()[camera].values()) > 1
        return twice and "answered twice" not in self.stderr


@contextmanager
def running(tables: Tables) -> Generator[SetOfNodes]:
    """The nodes of ``tables``, from their start on."""
    # Not tmp_path: the name of a socket is limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="set") as name:
        folder = Path(name)
        file = folder / "set.toml"
        file.write_text(toml({"bus": {"address": f"ipc://{folder}/hub"}, **tables}))
        with (
            started("--config", str(file), "--display", "none", "--json", demo=False) as process,
            Node(LISTENER, f"ipc://{folder}/hub", (FACES, HEARTBEAT), "info", PATIENCE_S) as node,
        ):
            yield SetOfNodes(process, node)
