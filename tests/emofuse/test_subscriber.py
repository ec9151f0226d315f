"""The protocol as another language speaks it: the example in JavaScript beside a live pipeline."""

import json
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from messaging.address import endpoints
from messaging.hub import Hub
from messaging.node import Node
from messaging.schema import Control, UtteranceEmotion
from messaging.topics import CONTROL, UTTERANCES
from tests.display.messages import stamp
from tests.pipelines import PATIENCE_S, ROOT, started

EXAMPLE = ROOT / "docs" / "examples" / "subscriber"
FILES = ("package.json", "package-lock.json", "subscriber.mjs")
UNREACHABLE = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENOTCACHED",
    "E403",
    "E404",
)
SAME = ("id", "source", "onset_s", "offset_s", "status", "label", "probabilities", "settled")

JUNK = (
    [b"utterances\0"],
    [b"utterances\0", b"\xc1", b""],
    [b"utterances\0", b"\x01", b"", b""],
    [b"utterances\0", b"\x81\xa3seq\x00", b""],
)

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="there is no node with npm"
)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, with what it needs installed beside it."""
    folder = tmp_path_factory.mktemp("subscriber")
    for file in FILES:
        shutil.copy(EXAMPLE / file, folder)
    npm = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if npm.returncode and any(error in npm.stderr for error in UNREACHABLE):
        pytest.skip("its packages are not here, and no registry can be reached")
    assert npm.returncode == 0, npm.stderr
    return folder


@contextmanager
def subscriber(example: Path, address: str) -> "Generator[subprocess.Popen[str]]":
    with subprocess.Popen(
        ["node", example / "subscriber.mjs", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@needs_node
def test_it_prints_the_labels_that_the_pipeline_prints_and_ends_with_it(
    example: Path, tmp_path: Path
) -> None:
    address = f"ipc://{tmp_path}/hub"
    quick = tmp_path / "quick.toml"
    quick.write_text('[media]\nspeed = "max"\nwait_for = ["inference", "fusion", "subscriber"]\n')
    options = ("--display", "none", "--json", "--config", quick)
    with (
        subscriber(example, address) as other,
        started(*options, EMOFUSE_BUS__ADDRESS=address) as pipeline,
    ):
        out, said = pipeline.communicate(timeout=PATIENCE_S)
        assert pipeline.returncode == 0, said
        heard, complaints = other.communicate(timeout=PATIENCE_S)
    assert (other.returncode, complaints) == (0, "")
    *printed, summary = map(json.loads, out.splitlines())
    assert len(printed) > 1
    assert [json.loads(line) for line in heard.splitlines()] == [
        {key: record[key] for key in SAME}
        | {"dt_ms": record["dt_ns"] / 1e6, "offset_s": record["offset"]["captured_ns"] / 1e9}
        for record in printed
    ]
    assert all(node["rejected"] == 0 for node in summary["nodes"].values())


@needs_node
def test_junk_is_counted_and_skipped_and_a_signal_ends_it(example: Path, address: str) -> None:
    with subscriber(example, address) as other, Node("tester", address) as node:
        assert node.wait_for(["subscriber"])
        shout(address)
        while node.peers()["subscriber"].rejected < len(JUNK):
            assert other.poll() is None
            node.alive()
            node.receive()
        result = UtteranceEmotion("u", "m", stamp(1), stamp(2), "no_face", final=True)
        node.publish(UTTERANCES, result)
        assert other.stdout is not None
        assert json.loads(other.stdout.readline())["id"] == "u"
        other.send_signal(signal.SIGTERM)
        _, complaints = other.communicate(timeout=PATIENCE_S)
    assert (other.returncode, complaints) == (0, "")


@needs_node
@pytest.mark.parametrize("end", ["fusion closes", "all are asked to stop", "the hub vanishes"])
def test_it_does_not_stay_behind(end: str, example: Path, tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    hub = Hub(address)
    try:
        with (
            subscriber(example, address) as other,
            Node("join", address, kind="fusion") as node,
        ):
            assert node.wait_for(["subscriber"])
            if end == "all are asked to stop":
                node.publish(CONTROL, Control(node.stamp(), "stop", "tester"))
                assert node.wait_for(["tester"]) is False, "the word has not come"
            if end == "fusion closes":
                node.state = "closing"
            else:
                hub.close()  # before anybody's last word gets through
            _, complaints = other.communicate(timeout=PATIENCE_S)
    finally:
        hub.close()
    vanished = end == "the hub vanishes"
    assert (other.returncode, complaints) == (
        (1, f"the hub at {address} is silent\n") if vanished else (0, "")
    )


def shout(address: str) -> None:
    with zmq.Context() as context, context.socket(zmq.XPUB) as stranger:
        stranger.connect(endpoints(address).events_in)
        stranger.recv()  # the hub listens
        for parts in JUNK:
            stranger.send_multipart(parts)


def test_its_packages_are_locked_by_what_they_contain_and_by_no_place() -> None:
    packages = json.loads((EXAMPLE / "package-lock.json").read_text())["packages"]
    locked = [package for name, package in packages.items() if name]
    assert locked
    assert all(package["integrity"].startswith("sha512-") for package in locked)
    assert not any("resolved" in package for package in locked)
