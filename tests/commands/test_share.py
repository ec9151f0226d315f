"""Which of a file's nodes run here, and what follows for each from the others."""

from pathlib import Path
from typing import Any

import pytest

from capture.demo import CLIP
from commands.plan import Plan
from commands.share import choose_share, plan_share, rename
from config.settings import Settings
from display import screen
from messaging.errors import UserError
from run_pipeline import choose_processes
from tests.pipelines import emofuse

NEAR, FAR = "tcp://127.0.0.1:5550", "tcp://10.0.0.5:5550"
LAB: dict[str, dict[str, Any]] = {
    "hub": {"kind": "hub", "host": "desk"},
    "left": {"kind": "camera", "host": "desk"},
    "right": {"kind": "camera", "host": "desk"},
    "mic": {"kind": "microphone", "host": "desk", "cameras": ["left"]},
    "worker-a": {"kind": "inference", "host": "desk"},
    "worker-b": {"kind": "inference", "host": "server"},
    "join": {"kind": "fusion", "host": "server"},
    "screen": {"kind": "window", "host": "desk"},
}


def media(**keys: object) -> dict[str, Any]:
    return {"kind": "media", "file": str(CLIP), **keys}


def settings_of(nodes: dict[str, dict[str, Any]], **sections: object) -> Settings:
    return Settings.model_validate({"bus": {"address": NEAR}, **sections, "nodes": nodes})


def plan(
    nodes: dict[str, dict[str, Any]],
    only: list[str] | None = None,
    host: str | None = None,
    **sections: object,
) -> Plan:
    settings = settings_of(nodes, **sections)
    share = choose_share(settings, only, host)
    return plan_share(settings, share, settings.bus.address, quiet_stdout=True)


def own(chosen: Plan, name: str) -> Settings:
    (node,) = (node for node in chosen.nodes if node.name == name)
    return node.settings


@pytest.fixture(autouse=True)
def there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "screen_available", lambda: True)
    monkeypatch.setattr(screen, "window_lack", lambda: "")


def names(chosen: Plan) -> list[str]:
    return [row.name for row in choose_processes(chosen)]


def test_a_whole_set_runs_in_the_order_of_the_table() -> None:
    assert names(plan(LAB)) == [
        *("hub", "left", "right", "mic", "worker-a", "worker-b", "join", "screen")
    ]


def test_a_whole_set_has_a_hub_also_where_none_is_named() -> None:
    without = {name: node for name, node in LAB.items() if name != "hub"}
    assert names(plan(without))[0] == "hub"


def test_a_machine_starts_its_share_and_the_hub_where_that_is_in_it() -> None:
    here, there = plan(LAB, host="desk"), plan(LAB, host="server")
    assert names(here) == ["hub", "left", "right", "mic", "worker-a", "screen"]
    assert names(there) == ["worker-b", "join"]
    assert here.launcher == "launcher"
    assert there.launcher.startswith("launcher-")
    assert names(plan(LAB, only=["join", "left"])) == ["left", "join"]


def test_pictures_are_raw_within_a_machine_and_jpeg_where_they_cross() -> None:
    chosen = plan(LAB)
    assert own(chosen, "worker-a").inference.pictures == "raw"
    assert own(chosen, "worker-b").inference.pictures == "jpeg"
    assert own(chosen, "screen").display.pictures == "raw"
    moved = LAB | {"right": {"kind": "camera", "host": "door"}}
    assert own(plan(moved), "worker-a").inference.pictures == "jpeg"
    asked = LAB | {"worker-b": LAB["worker-b"] | {"pictures": "raw"}}
    assert own(plan(asked), "worker-b").inference.pictures == "raw"


def test_pictures_that_go_through_a_hub_elsewhere_are_jpeg() -> None:
    one = {"left": {"kind": "camera"}, "worker": {"kind": "inference"}}
    assert own(plan(one, only=["worker"]), "worker").inference.pictures == "raw"
    far = plan(one, only=["worker"], bus={"address": FAR})
    assert own(far, "worker").inference.pictures == "jpeg"


def test_files_wait_for_all_who_work_on_them_and_the_end_for_all_files() -> None:
    files = {"one": media(speed="max"), "two": media(speed="max")}
    workers = {name: LAB[name] for name in ("worker-a", "worker-b", "join")}
    chosen = plan(files | workers)
    assert own(chosen, "one").media.wait_for == ("worker-a", "worker-b", "join", "launcher")
    ways = {"lab": {"kind": "lsl", "host": "server"}, "stage": {"kind": "osc"}}
    sent_out = plan(files | workers | ways)
    assert own(sent_out, "one").media.wait_for[-2:] == ("lab", "stage")
    assert own(chosen, "join").fusion.exit_when_closed
    assert own(chosen, "join").fusion.sources == ("one", "two")
    assert not own(plan(LAB), "join").fusion.exit_when_closed


def test_many_files_send_no_more_ahead_than_a_reader_can_hold() -> None:
    files = {f"file-{number}": media(speed="max") for number in range(8)}
    chosen = plan(files | {"join": LAB["join"]})
    assert own(chosen, "file-0").media.credit == 2


def test_more_files_at_full_speed_than_queues_hold_pictures_of_are_refused(tmp_path: Path) -> None:
    files = {f"file-{number}": media(speed="max") for number in range(5)}
    tape = {"tape": {"kind": "recorder", "folder": str(tmp_path / "s")}}
    assert len(plan(files).nodes) == 6
    assert plan({**files, **tape, "file-4": media(speed=4)}).nodes
    with pytest.raises(UserError, match=r"5 files are to be played at speed max, and no more .*4"):
        plan(files | tape)
    with pytest.raises(UserError, match="no more than 16"):
        plan({f"file-{number}": media(speed="max") for number in range(17)})


def test_who_is_recorded_waits_for_the_recorder(tmp_path: Path) -> None:
    recorder = {"kind": "recorder", "folder": str(tmp_path / "session")}
    chosen = plan(LAB | {"tape": recorder})
    assert own(chosen, "left").camera.wait_for == ("tape",)
    assert chosen.settings.recording.folder == tmp_path / "session"
    assert plan(LAB | {"tape": recorder}, host="desk").settings.recording.folder is None


@pytest.mark.parametrize(
    ("only", "host", "error"),
    [
        (["lefd"], None, "--only: no node 'lefd'; there are hub, join, left, mic, right, screen"),
        (None, "attic", "--host: no node runs on 'attic'; there are desk, server"),
        (["left"], "desk", "--only and --host both choose nodes; give one of them"),
    ],
)
def test_a_share_that_is_none_is_refused(
    only: list[str] | None, host: str | None, error: str
) -> None:
    with pytest.raises(UserError, match=error):
        plan(LAB, only, host)


def test_a_choice_among_no_nodes_is_refused() -> None:
    with pytest.raises(UserError, match=r"none are named; give a file with tables"):
        choose_share(Settings(), ["left"], None)


def test_a_share_without_an_address_is_refused() -> None:
    with pytest.raises(UserError, match=r"bus.address is empty"):
        choose_share(settings_of(LAB, bus={}), ["left"], None)


@pytest.mark.parametrize(
    ("nodes", "error"),
    [
        (
            {"mic": LAB["mic"], "right": LAB["right"]},
            "nodes.mic.cameras names 'left', and no camera or media file has that name; there are",
        ),
        ({"one": {"kind": "media"}}, "nodes.one plays no file; give it one: file ="),
        ({"one": media(file="no/such.mp4")}, "nodes.one.file: "),
        ({"tape": {"kind": "recorder"}}, "nodes.tape records nowhere; give it a folder ="),
        (
            {name: {"kind": "recorder", "folder": "s"} for name in ("one", "two")},
            "nodes.one and nodes.two both record into s; give each a folder",
        ),
    ],
)
def test_what_a_node_lacks_is_named(nodes: dict[str, dict[str, Any]], error: str) -> None:
    with pytest.raises(UserError, match=error):
        plan(nodes)


def test_recorders_of_two_machines_may_have_folders_of_the_same_name() -> None:
    tapes = {name: {"kind": "recorder", "host": name, "folder": "s"} for name in ("one", "two")}
    assert names(plan(tapes, host="two")) == ["two"]


@pytest.mark.parametrize(
    ("kind", "section", "asked"),
    [
        ("camera", "camera", {"device": "/dev/video7"}),
        ("microphone", "microphone", {"device": "USB"}),
        ("media", "media", {"file": str(CLIP)}),
        ("window", "display", {"kind": "window"}),
        ("recorder", "recording", {"folder": "session"}),
        ("lsl", "lsl", {"enabled": True}),
        ("osc", "osc", {"target": "127.0.0.1:9000"}),
        ("metrics", "metrics", {"enabled": True}),
    ],
)
def test_what_is_asked_for_without_a_node_that_does_it_is_refused(
    kind: str, section: str, asked: dict[str, Any]
) -> None:
    error = f'{kind} is asked for, and none of the nodes .* kind = "{kind}"'
    sections: Any = {section: asked}
    workers = {name: LAB[name] for name in ("hub", "worker-a", "join")}
    with pytest.raises(UserError, match=error):
        plan(workers, **sections)
    assert plan(workers | {"one": {"kind": kind}}, ["one"], **sections).nodes


def test_what_is_not_wanted_and_a_display_as_it_suits_need_no_node_of_that_kind() -> None:
    workers = {name: LAB[name] for name in ("hub", "worker-a", "join")}
    unwanted: Any = {"camera": {"device": "none"}, "display": {"kind": "none"}}
    assert plan(workers, **unwanted).nodes
    shown = plan(workers | {"screen": {"kind": "display"}}, display={"kind": "terminal"})
    assert names(shown)[-1] == "screen"


def test_a_hub_that_other_machines_reach_is_not_started_without_more_ado() -> None:
    far = {"hub": {"kind": "hub", "address": FAR}, "join": LAB["join"]}
    with pytest.raises(UserError, match=f"{FAR} is open to other machines"):
        plan(far)
    with pytest.raises(UserError, match=f"{FAR} is open to other machines"):
        plan(LAB, host="desk", bus={"address": FAR})
    assert names(plan(LAB, host="server", bus={"address": FAR})) == ["worker-b", "join"]


def test_a_name_that_is_none_is_refused() -> None:
    assert rename(Settings(), "camera", "left", Settings()).camera.name == "left"
    with pytest.raises(UserError, match="--name 'l r'"):
        rename(Settings(), "camera", "l r", Settings())


def test_a_node_by_hand_has_its_table_and_before_that_the_command_line() -> None:
    lab = settings_of(
        {
            "left": {"kind": "camera", "device": "/dev/video2", "fps": 5},
            "desk": {"kind": "microphone", "name": "interviewer", "device": "USB"},
        },
        camera={"width": 320},
    )
    left = rename(lab, "camera", "left", Settings())
    assert (left.name, left.camera.device, left.camera.fps) == ("left", "/dev/video2", 5)
    assert (left.camera.name, left.camera.width) == ("left", 320)
    asked = Settings.model_validate({"camera": {"device": "7"}, "log_level": "debug"})
    left = rename(lab, "camera", "left", asked)
    assert (left.camera.device, left.camera.fps, left.log_level) == ("7", 5, "debug")
    assert rename(lab, "microphone", "interviewer", Settings()).microphone.device == "USB"
    assert rename(lab, "microphone", "left", Settings()).microphone.device == "auto"


@pytest.mark.parametrize("command", [("run",), ()])
def test_where_a_pipeline_s_hub_is_its_settings_say(command: tuple[str, ...]) -> None:
    run = emofuse(*command, "--hub", "tcp://10.0.0.5:5550")
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert 'EMOFUSE_BUS__ADDRESS, or [bus] address = "tcp://10.0.0.5:5550"' in line
