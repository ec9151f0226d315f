"""Keys as their user meets them."""

import importlib
import os
import subprocess
from pathlib import Path

import pytest

from capture.demo import CLIP
from commands.about import begin_session
from commands.processes import Process
from config.load import load_settings
from messaging.errors import UserError
from messaging.keys import KNOWN, SECRET, read_keys, read_known
from run_pipeline import PROCESSES
from tests.machines import machine
from tests.pipelines import emofuse, started

SESSION = Path(__file__).parents[1] / "recording" / "sessions" / "v1"


def test_two_machines_get_to_know_each_other(tmp_path: Path) -> None:
    studio, camera = tmp_path / "studio", tmp_path / "camera"
    lines = {
        folder: emofuse("keys", "new", folder.name, "--keys", folder).stdout.strip()
        for folder in (studio, camera)
    }
    for folder, line in lines.items():
        shown = emofuse("keys", "show", EMOFUSE_BUS__KEYS=str(folder))
        assert (shown.returncode, shown.stdout) == (0, f"{line}\n")
    added = emofuse("keys", "add", lines[camera], "--keys", studio)
    assert added.stderr == f"emofuse: camera is let in by a hub with the keys in {studio}\n"
    emofuse("keys", "add", "--hub", lines[studio], "--keys", camera)
    assert read_known(studio) == ({read_keys(camera).public: "camera"}, [])
    assert read_keys(camera).hub == read_keys(studio).public
    shown = emofuse("keys", "show", "--keys", studio)
    assert shown.stderr == f"emofuse: lets in {lines[camera]}\n"


def test_what_was_known_before_is_named(tmp_path: Path) -> None:
    studio, roof, camera = (machine(tmp_path / name) for name in ("studio", "roof", "camera"))
    emofuse("keys", "add", camera.line, "--keys", studio.folder)
    again = emofuse("keys", "add", f"other {camera.public}", "--keys", studio.folder)
    assert "that key was let in already, as camera, by a hub" in again.stderr
    for hub, former in ((studio, ""), (studio, ""), (roof, f", and no longer {studio.line}")):
        added = emofuse("keys", "add", "--hub", hub.line, "--keys", camera.folder)
        assert added.stderr == f"emofuse: from here {hub.name} is the hub{former}\n"
    shown = emofuse("keys", "show", "--keys", camera.folder)
    assert shown.stderr == f"emofuse: connects to the hub {roof.line}\n"


@pytest.mark.parametrize("whole_file", [True, False])
def test_a_secret_key_is_not_printed(tmp_path: Path, *, whole_file: bool) -> None:
    keys = machine(tmp_path / "keys")
    text = (keys.folder / SECRET).read_text()
    run = emofuse("keys", "add", text if whole_file else text.splitlines()[-1],
                  EMOFUSE_BUS__KEYS=str(keys.folder))  # fmt: skip
    assert run.returncode == 2
    assert "that is a machine's secret key" in run.stderr
    assert keys.secret not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("new",), "which folder? name one with --keys, or in EMOFUSE_BUS__KEYS"),
        (("new", "a b", "--keys", "x"), "no name for keys: 'a b'"),
        (("show", "--keys", "x"), "x holds no keys; make them: emofuse keys new --keys x"),
        (("add", "camera", "--keys", "x"), "x holds no keys"),
        (("show", "--keys", ""), "this names no file"),
    ],
)
def test_what_cannot_be_done_with_keys_is_one_line(options: tuple[str, ...], why: str) -> None:
    run = emofuse("keys", *options)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert why in line


def test_a_hub_beyond_this_machine_needs_keys_or_a_word() -> None:
    run = emofuse("hub", "--bind", "tcp://0.0.0.0:5990")
    assert run.returncode == 2
    assert run.stderr == (
        "emofuse: tcp://0.0.0.0:5990 is open to other machines, without keys and unencrypted; "
        "name keys with --keys (emofuse keys new makes them), or bind to 127.0.0.1, or add "
        "--insecure in a network that you trust\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_where_the_output_is_full_it_is_not_another_folder_that_is(tmp_path: Path) -> None:
    keys = machine(tmp_path / "keys")
    with (
        Path("/dev/full").open("w") as full,
        started("keys", "show", "--keys", keys.folder, into=(full, subprocess.PIPE),
                PYTHONUNBUFFERED="1") as show,
    ):  # fmt: skip
        _, told = show.communicate(timeout=60)
    assert (show.returncode, "output" in told, "Traceback" in told) == (2, True, False), told


def test_a_port_that_is_none_is_named_before_keys_are_asked_for() -> None:
    run = emofuse("hub", "--bind", "tcp://0.0.0.0:80000")
    assert (run.returncode, "the port must lie in 1 to" in run.stderr) == (2, True), run.stderr


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize(
    "command",
    [("hub", "--bind"), ("node", "fusion", "--hub"), ("mark", "hello", "--hub"),
     ("control", "stop", "--hub"), ("top", "--hub"), ("echo", "faces", "--hub"),
     ("doctor", "--hub"), ("metrics", "--hub"), ("run",)],
    ids=lambda command: command[0],
)  # fmt: skip
def test_keys_that_will_not_do_end_every_command_with_one_line(
    command: tuple[str, ...], tmp_path: Path, free_ports: int
) -> None:
    keys = machine(tmp_path / "keys")
    (keys.folder / SECRET).chmod(0o644)
    address = f"tcp://127.0.0.1:{free_ports}"
    if command == ("run",):
        run = emofuse(*command, EMOFUSE_BUS__ADDRESS=address, EMOFUSE_BUS__KEYS=str(keys.folder))
    else:
        run = emofuse(*command, address, "--keys", keys.folder)
    assert run.returncode == 2
    assert f"{keys.folder / SECRET} is open to others (mode 644)" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_a_hub_says_where_it_is_when_it_is_there(tmp_path: Path) -> None:
    where = f"ipc://{tmp_path}/hub"
    with started("hub", "--bind", where) as hub:
        assert hub.stderr is not None
        assert hub.stderr.readline() == f"emofuse hub: hub at {where}\n"
        second = emofuse("hub", "--bind", where)
        assert second.returncode == 2
        (line,) = second.stderr.splitlines()
        assert f"a hub runs at {where} already" in line


def test_a_damaged_list_of_the_known_is_named_by_a_hub(tmp_path: Path, free_ports: int) -> None:
    keys = machine(tmp_path / "keys")
    (keys.folder / KNOWN).write_text("camera\n")
    run = emofuse("hub", "--bind", f"tcp://127.0.0.1:{free_ports}", "--keys", keys.folder)
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith(f"emofuse hub: {keys.folder / KNOWN}, line 1:")


@pytest.mark.parametrize("row", PROCESSES, ids=lambda row: row.name)
def test_every_process_uses_the_keys(row: Process, tmp_path: Path, free_ports: int) -> None:
    """It refuses to run where there are none, before it looks for a hub."""
    nowhere = tmp_path / "nowhere"
    settings = load_settings(
        {
            "bus": {
                "address": f"tcp://127.0.0.1:{free_ports}",
                "keys": nowhere,
                "connect_timeout_s": 0.2,
            },
            "media": {"file": CLIP},
            "replay": {"session": SESSION},
            "recording": {"folder": tmp_path / "session"},
            "osc": {"target": "127.0.0.1:9"},
        },
        environment={},
    )
    begin_session(tmp_path / "session", settings)
    with pytest.raises(UserError, match=f"{nowhere} holds no keys"):
        importlib.import_module(row.module).run(settings)
