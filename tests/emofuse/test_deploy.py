"""The containers of docs/deploy, as far as they can be tried without an engine for them."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from capture.demo import CLIP, load_truth
from messaging.system_packages import PACKAGES
from run_pipeline import PROCESSES
from tests.pipelines import ROOT, environment

DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("Dockerfile.*"))
SOURCES = {"camera", "microphone"}


def instructions(dockerfile: Path, name: str) -> list[list[str]]:
    """The arguments of every instruction of that name; a backslash goes on with the line."""
    whole = dockerfile.read_text().replace("\\\n", " ")
    return [shlex.split(rest) for rest in re.findall(rf"^{name} (.*)$", whole, re.MULTILINE)]


def copy_files(dockerfile: Path, folder: Path) -> None:
    """What its COPY instructions say, from the project's folder into ``folder``."""
    for *sources, target in instructions(dockerfile, "COPY"):
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target)
            else:
                shutil.copy(ROOT / source, folder / target)


@pytest.fixture
def services() -> dict[str, Any]:
    yaml: Any = pytest.importorskip("yaml")
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_has_a_tag_the_system_packages_and_a_lock(dockerfile: Path) -> None:
    ((base,),) = instructions(dockerfile, "FROM")
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)
    system, installing = instructions(dockerfile, "RUN")[:2]
    assert set(PACKAGES.values()) <= set(system)
    assert ("libportaudio2" in system) is (dockerfile.suffix == ".capture")
    lock = installing[-1]
    assert (ROOT / lock).is_file()
    assert {"--require-hashes", "--no-deps"} <= set(installing)
    assert ("tensorflow==" in (ROOT / lock).read_text()) is (dockerfile.suffix == ".inference")
    assert instructions(dockerfile, "USER") == [["emofuse"]]


def test_only_the_compose_network_reaches_the_hub(services: dict[str, Any]) -> None:
    assert not any("ports" in service or "network_mode" in service for service in services.values())


def test_every_service_is_a_row_of_the_table(services: dict[str, Any]) -> None:
    rows = {process.name for process in PROCESSES}
    for name, service in services.items():
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        command = service["command"]
        assert command[0] == name == "hub" or command[:1] == ["node"]
        assert command[0] == "hub" or command[1] in rows


def test_its_commands_label_a_file_from_the_files_of_the_image_alone(
    services: dict[str, Any], tmp_path: Path, free_ports: int
) -> None:
    copy_files(DEPLOY / "Dockerfile.capture", tmp_path)
    hub = f"tcp://127.0.0.1:{free_ports}"
    media = ["node", "media", "--hub", hub, "--media", str(CLIP), "--speed", "max"]
    commands = {
        name: [
            word.replace("tcp://hub:5550", hub).replace("0.0.0.0:5550", f"0.0.0.0:{free_ports}")
            for word in service["command"]
        ]
        for name, service in services.items()
        if name not in SOURCES
    }
    waits = {"EMOFUSE_MEDIA__WAIT_FOR": "inference,fusion,display"}
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(running(command, tmp_path, waits))
            for name, command in {**commands, "media": media}.items()
        }
        stack.callback(end, started.values())
        lines = started["labels"].stdout
        assert lines is not None
        for expected in load_truth().utterances:
            assert expected.label in lines.readline()


def running(command: list[str], folder: Path, extra: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "run_pipeline.py", *command],
        cwd=folder,
        env=environment(extra, demo=False),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def end(processes: "Iterable[subprocess.Popen[str]]") -> None:
    for process in processes:
        process.kill()
