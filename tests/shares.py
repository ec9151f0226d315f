"""One file's nodes on several hosts: the desk has the hub, all others reach it over links that can
fail.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

from benchmarks.relay import LOCAL, Relay
from messaging.clock import monotonic_ns
from messaging.node import Node
from messaging.observer import NodeRow, Observer
from messaging.schema import Heartbeat, UtteranceEmotion
from messaging.topics import FACES, HEARTBEAT, SPEECH, UTTERANCES, Topic
from messaging.wire import Received
from tests.numbers import KEPT
from tests.pipelines import ROOT, environment
from tests.ports import free_ports
from tests.sets import Tables, toml

PATIENCE_S = 90.0
DESK = "desk"


class Ear:
    """Somebody who reads all that may not be lost, and heartbeats."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.received: list[Received[Any]] = []
        self.beats: dict[str, Heartbeat] = {}
        """The newest of every node."""
        self.top = Observer()

    def listen(self) -> None:
        self.node.alive()  # shows itself
        for received in self.node.receive(0.005):
            self.top.hear(received)
            self.received.append(received)
            if received.topic is HEARTBEAT:
                self.beats[received.sender] = received.message

    def of(self, topic: Topic[Any]) -> Iterator[Received[Any]]:
        return (received for received in self.received if received.topic is topic)

    def row(self, name: str) -> NodeRow:
        """What ``top`` shows of a node."""
        return next(row for row in self.top.nodes(monotonic_ns()) if row.name == name)

    def finals(self) -> list[UtteranceEmotion]:
        return [r.message for r in self.of(UTTERANCES) if r.message.final]

    def later(self, topic: Topic[Any], since_ns: int) -> Iterator[Received[Any]]:
        """What came later, the newest first: what is about later is among it."""
        newest = takewhile(lambda r: r.received_ns > since_ns, reversed(self.received))
        return (received for received in newest if received.topic is topic)

    def seen(self, camera: str, since_ns: int) -> bool:
        """Whether a picture of later that shows a face has its labels."""
        return any(
            r.message.source == camera and r.message.faces
            for r in self.later(FACES, since_ns)
            if r.message.stamp.pipeline_ns > since_ns
        )

    def heard(self, microphone: str, since_ns: int) -> bool:
        """Whether sound of later was analysed."""
        return any(
            r.message.source == microphone and r.message.event not in ("opened", "gap", "closed")
            for r in self.later(SPEECH, since_ns)
            if r.message.stamp.pipeline_ns > since_ns
        )

    def labels(self, source: str, since_ns: int) -> bool:
        """Whether all links of the chain work on what happened later."""
        return self.seen(source, since_ns) and self.heard(source, since_ns)

    def matched(self, microphone: str, since_ns: int) -> bool:
        """Whether an utterance that began later has its label."""
        return any(
            r.message.source == microphone and r.message.final and r.message.status == "matched"
            for r in self.later(UTTERANCES, since_ns)
            if r.message.onset.pipeline_ns > since_ns
        )


class Shares:
    """All of it, while it runs."""

    def __init__(self, folder: Path, hub: str) -> None:
        self.folder, self.hub = folder, hub
        self.hosts: dict[str, subprocess.Popen[bytes]] = {}
        """Each host's launcher."""
        self.links: dict[str, Relay] = {}
        self.hub_at: dict[str, str] = {}
        """The hub's address as seen from other hosts."""
        self.ears: dict[str, Ear] = {}
        """By host."""

    @property
    def near(self) -> Ear:
        return self.ears[DESK]

    def listen(self) -> None:
        for ear in self.ears.values():
            ear.listen()

    def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> float:
        """Returns how long it took, in seconds."""
        began = time.monotonic()
        while not condition():
            took = time.monotonic() - began
            assert took < patience_s, f"not after {took:.1f} s"
            for host, process in self.hosts.items():
                assert process.poll() is None, self.said(host)
            self.listen()
        return time.monotonic() - began

    def wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > ends, seconds + PATIENCE_S)

    def start(self, host: str, *before: str) -> None:
        """Its share; it prints into files. ``before`` is what its command line begins with."""
        extra = {"EMOFUSE_BUS__ADDRESS": self.hub_at.get(host, self.hub)}
        run = "run", "--config", self.folder / "lab.toml", "--host", host
        with (
            (self.folder / f"{host}.out").open("ab") as out,
            (self.folder / f"{host}.err").open("ab") as err,
        ):
            self.hosts[host] = subprocess.Popen(
                [
                    *before,
                    sys.executable,
                    ROOT / "run_pipeline.py",
                    *run,
                    "--display",
                    "none",
                    "--json",
                ],
                stdout=out,
                stderr=err,
                env=environment(extra, demo=False),
                start_new_session=True,
            )

    def kill(self, host: str) -> None:
        """All that runs there."""
        process = self.hosts.pop(host)
        with suppress(ProcessLookupError):  # all have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def said(self, host: str) -> str:
        file = self.folder / f"{host}.err"
        return file.read_text() if file.exists() else ""

    def restart(self, host: str, *before: str) -> int:
        """Start it anew, and wait until its camera, which has its name, runs in another process;
        the instant at which that was heard.
        """
        former = self.near.beats[host].pid
        self.start(host, *before)

        def runs() -> bool:
            beat = self.near.beats[host]
            return beat.pid != former and beat.state == "running"

        self.until(runs)
        return monotonic_ns()

    def end(self, *hosts: str) -> None:
        """Ctrl-C, for each of them in turn."""
        for host in hosts:
            process = self.hosts.pop(host)
            process.send_signal(signal.SIGINT)
            ends = time.monotonic() + PATIENCE_S
            while process.poll() is None:
                assert time.monotonic() < ends
                self.listen()
            assert process.returncode == 0, self.said(host)

    def printed(self, host: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Utterances and the summary, of one that has ended."""
        lines = (self.folder / f"{host}.out").read_text().splitlines()
        *utterances, summary = map(json.loads, lines)
        return utterances, summary


@contextmanager
def shares(
    tables: Tables, far: Sequence[str] = (), *, listening: Sequence[str] = (), port: int = 0
) -> Generator[Shares]:
    """The nodes of ``tables``, on the desk and on the hosts ``far``, from their start on. Somebody
    listens at the desk, and on the hosts ``listening``. The hub is at ``port`` where there is one
    already.
    """
    with tempfile.TemporaryDirectory(prefix="lab") as name, ExitStack() as stack:
        port = port or free_ports()
        hub = f"tcp://{LOCAL}:{port}"
        made = Shares(Path(name), hub)
        (made.folder / "lab.toml").write_text(toml({"bus": {"address": hub}, **tables}))
        for host in far:
            made.links[host] = stack.enter_context(Relay(port, free_ports()))
            made.hub_at[host] = made.links[host].address
        stack.callback(_kill, made)
        for host in (DESK, *far):
            made.start(host)
        for host in (DESK, *listening):
            node = Node(
                f"ear-{host}", made.hub_at.get(host, hub), (*KEPT, HEARTBEAT), "info", PATIENCE_S
            )
            made.ears[host] = Ear(stack.enter_context(node))
        try:
            yield made
        except BaseException:
            for host in (DESK, *made.hub_at):
                print(f"{host} said: {made.said(host)}")
            raise


def _kill(made: Shares) -> None:
    for host in [*made.hosts]:
        made.kill(host)
