"""One file for several machines: each starts its share of it, and all meet at one address."""

import json
import signal
import subprocess
import time
import wave
from collections.abc import Callable
from pathlib import Path

from capture.demo import load_truth
from capture.resample import SAMPLE_RATE
from messaging.node import Node
from messaging.topics import HEARTBEAT
from tests.capture.talk import talk
from tests.pipelines import emofuse, started
from tests.sets import demo, running, toml

PATIENCE_S = 120.0
LABELS = [utterance.label for utterance in load_truth().utterances]


def test_microphones_are_labelled_by_the_cameras_that_they_are_assigned_to(tmp_path: Path) -> None:
    """Both cameras see the same, and the sound is a file of its own: the name alone decides. Files
    do not begin at the same instant, so what the faces show then is another matter.
    """
    with wave.open(str(tmp_path / "talk.wav"), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(talk().tobytes())
    cameras = {"left": "right-mic", "right": "left-mic"}
    tables = {f"nodes.{camera}": demo() for camera in cameras} | {
        f"nodes.{mic}": {
            "kind": "media",
            "file": str(tmp_path / "talk.wav"),
            "cameras": [camera],
        }
        for camera, mic in cameras.items()
    }
    work = {"nodes.worker": {"kind": "inference"}, "nodes.join": {"kind": "fusion"}}
    with running({"media": {"speed": "max"}} | tables | work) as nodes:
        utterances, _ = nodes.end()
    for camera, mic in cameras.items():
        heard = [u for u in utterances if u["source"] == mic]
        assert [u["camera"] for u in heard] == [camera] * len(LABELS)
        assert all(u["settled"] and u["status"] == "matched" for u in heard)


def until(condition: Callable[[], object], node: Node) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        node.alive()
        node.receive(0.05)


def test_each_machine_starts_its_share_and_all_meet(tmp_path: Path, free_ports: int) -> None:
    file = tmp_path / "lab.toml"
    address = f"tcp://127.0.0.1:{free_ports}"
    file.write_text(
        toml(
            {
                "bus": {"address": address},
                "media": {"speed": "max"},
                "nodes.hub": {"kind": "hub", "host": "desk"},
                "nodes.worker": {"kind": "inference", "host": "server"},
                "nodes.join": {"kind": "fusion", "host": "desk"},
                "nodes.door": demo(host="door"),
            }
        )
    )
    given = ("--config", str(file), "--display", "none", "--json")
    with (
        started("run", *given, "--only", "door", demo=False) as door,
        started("run", *given, "--host", "server", demo=False) as server,
        started("run", *given, "--host", "desk", demo=False) as desk,
    ):
        out, err = desk.communicate(timeout=PATIENCE_S)
        assert desk.returncode == 0, err
        *utterances, summary = (json.loads(line) for line in out.splitlines())
        assert [u["label"] for u in utterances] == LABELS
        assert set(summary["nodes"]) == {"hub", "join"}
        for other in (door, server):
            other.send_signal(signal.SIGINT)
            out, err = other.communicate(timeout=PATIENCE_S)
            assert other.returncode == 0, err
            assert "Traceback" not in err
            assert [json.loads(line).get("label") for line in out.splitlines()[:-1]] == LABELS


def test_a_name_is_refused_while_its_node_lives_and_free_when_it_was_killed(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    hub = ("--hub", address)

    def runs(process: "subprocess.Popen[str]") -> bool:
        peer = watch.peers().get("join")
        return peer is not None and peer.pid == process.pid and peer.state == "running"

    with (
        started("hub", "--bind", address),
        started("node", "fusion", "--name", "join", *hub) as first,
        Node("watch", address, [HEARTBEAT], connect_timeout_s=PATIENCE_S) as watch,
    ):
        until(lambda: runs(first), watch)
        second = emofuse("node", "fusion", "--name", "join", *hub)
        assert second.returncode == 2
        assert f"a node named 'join' runs already (process {first.pid})" in second.stderr
        assert "--name" in second.stderr
        assert "Traceback" not in second.stderr
        with started("node", "fusion", "--name", "other", *hub) as other:
            until(lambda: "other" in watch.peers(), watch)
            assert other.poll() is None
        first.kill()
        first.wait()
        with started("node", "fusion", "--name", "join", *hub) as again:
            until(lambda: runs(again), watch)
            since = time.monotonic()
            until(lambda: time.monotonic() - since > 1.0, watch)
            assert again.poll() is None


def test_a_share_waits_for_a_hub_that_starts_later_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    address = f"ipc://{tmp_path}/hub"
    file.write_text(toml({"bus": {"address": address}, "nodes.join": {"kind": "fusion"}}))
    given = ("run", "--config", str(file), "--only", "join", "--display", "none")
    with started(*given, demo=False) as share:
        assert share.stderr is not None
        said = share.stderr.readline()
        assert f"no hub answers at {address} yet; it is waited for" in said
        with (
            started("hub", "--bind", address),
            Node("watch", address, [HEARTBEAT], connect_timeout_s=PATIENCE_S) as watch,
        ):
            until(lambda: {"fusion", "launcher"} <= {p.kind for p in watch.peers().values()}, watch)
        # and when it vanishes and comes back
        said = share.stderr.readline()
        assert said.endswith(f": the hub at {address} is silent; it is waited for\n")
        with started("hub", "--bind", address):
            assert share.stderr.readline().endswith(f": the hub at {address} is back\n")
            share.send_signal(signal.SIGINT)
            assert share.wait(PATIENCE_S) == 0
