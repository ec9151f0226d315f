"""Several hosts on this machine, each with a network and a monotonic clock of its own.

They are network and time namespaces: Linux alone, and root.
"""

import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PORT = 5550
RELAY_PORT = 5650
"""A hub's first port, and that of the detour with delays to it."""


@dataclass(frozen=True)
class Host:
    name: str
    ahead_s: int
    """Of this machine's clock."""
    clock: str
    """The time namespace's file."""
    hub: str
    """The hub's address, as seen from here."""
    far_hub: str
    """The same over a relay, where one runs."""

    def command(self, *module: str) -> list[str]:
        """Runs a Python module on this host."""
        place = ["ip", "netns", "exec", self.name, *on_clock(self.clock)]
        return [*place, sys.executable, "-m", *module]

    @contextmanager
    def running(
        self, *module: str, stderr: int | None = None
    ) -> Generator["subprocess.Popen[str]"]:
        """Killed at the end, if it still runs."""
        with subprocess.Popen(
            self.command(*module),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def offset_ns(self, hub: "Host") -> int:
        """The truth."""
        return (hub.ahead_s - self.ahead_s) * 1_000_000_000


def why_not() -> str:
    """Why no hosts can be made here; empty where they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "hosts with clocks of their own need Linux, and root"
    name = _name(99)
    try:
        _run("ip", "netns", "add", name)
        try:
            with clock(1) as file:
                _run("ip", "netns", "exec", name, "nsenter", f"--time={file}", "true")
        finally:
            _run("ip", "netns", "del", name)
    except FileNotFoundError as error:
        return f"there is no {error.filename}"
    except subprocess.CalledProcessError as error:
        return f"no namespaces here: {' '.join(error.cmd)}: {error.stderr.strip()}"
    return ""


@contextmanager
def hosts(ahead_s: Sequence[int]) -> Generator[list[Host]]:
    """As many as there are clocks; all of them are wired to the first one, which is the hub's."""
    names = [_name(number) for number in range(len(ahead_s))]
    with ExitStack() as stack:
        clocks = [stack.enter_context(clock(ahead)) for ahead in ahead_s]
        for name in names:
            _run("ip", "netns", "add", name)
            stack.callback(_run, "ip", "netns", "del", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        made = [_host(names[0], ahead_s[0], clocks[0], "127.0.0.1")]
        for number in range(1, len(names)):
            ours, theirs = f"10.99.{number}.1", f"10.99.{number}.2"
            here, there = names[0], names[number]
            _run("ip", "-n", here, "link", "add", f"to{number}", "type", "veth",
                 "peer", "name", "hub", "netns", there)  # fmt: skip
            for place, device, at in ((here, f"to{number}", ours), (there, "hub", theirs)):
                _run("ip", "-n", place, "addr", "add", f"{at}/24", "dev", device)
                _run("ip", "-n", place, "link", "set", device, "up")
            made.append(_host(there, ahead_s[number], clocks[number], ours))
        yield made


@dataclass(frozen=True)
class Neighbour:
    """A host with a network and a clock of its own, on a wire to this machine."""

    place: list[str]
    """What a command line begins with that runs there."""
    here: str
    """This machine's address, as seen from there."""
    device: str
    """This machine's end of the wire."""

    def unplug(self) -> None:
        _run("ip", "link", "set", self.device, "down")

    def plug(self) -> None:
        _run("ip", "link", "set", self.device, "up")


@contextmanager
def neighbour(ahead_s: int) -> Generator[Neighbour]:
    """Its clock is ahead of this machine's by so much."""
    name, device, network = _name(0), f"emo{os.getpid()}", f"10.98.{os.getpid() % 256}"
    with clock(ahead_s) as file, ExitStack() as stack:
        _run("ip", "netns", "add", name)
        stack.callback(_run, "ip", "netns", "del", name)
        _run("ip", "link", "add", device, "type", "veth", "peer", "name", "wire", "netns", name)
        stack.callback(subprocess.run, ["ip", "link", "del", device], check=False)
        _run("ip", "addr", "add", f"{network}.1/24", "dev", device)
        _run("ip", "-n", name, "addr", "add", f"{network}.2/24", "dev", "wire")
        _run("ip", "link", "set", device, "up")
        for its in ("lo", "wire"):
            _run("ip", "-n", name, "link", "set", its, "up")
        place = ["ip", "netns", "exec", name, *on_clock(file)]
        yield Neighbour(place, f"{network}.1", device)


def on_clock(file: str) -> list[str]:
    """What a command line begins with that runs on the clock of that ``file``."""
    return ["nsenter", f"--time={file}"]


@contextmanager
def clock(ahead_s: int) -> Generator[str]:
    """A time namespace, which is there as long as somebody is in it: its file."""
    ahead = ["--monotonic", str(ahead_s), "--boottime", str(ahead_s)]
    with subprocess.Popen(
        ["unshare", "--time", *ahead, "--fork", "--kill-child", "cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as keeper:
        try:
            assert keeper.stdin is not None
            assert keeper.stdout is not None
            keeper.stdin.write("there\n")
            keeper.stdin.flush()
            if keeper.stdout.readline():
                yield f"/proc/{keeper.pid}/ns/time_for_children"
            else:
                _, said = keeper.communicate()
                raise subprocess.CalledProcessError(1, keeper.args, stderr=said)
        finally:
            keeper.kill()


def _host(name: str, ahead_s: int, clock: str, hub: str) -> Host:
    return Host(name, ahead_s, clock, f"tcp://{hub}:{PORT}", f"tcp://{hub}:{RELAY_PORT}")


def _name(number: int) -> str:
    return f"emofuse-{os.getpid()}-{number}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
