"""What runs is decided before anything starts. The edge that is faked: which devices there are."""

from pathlib import Path
from typing import Any

import pytest

from capture import cameras, microphones
from capture.demo import CLIP
from commands import plan as plans
from commands.plan import Plan, make_plan
from config.load import load_settings
from config.settings import Settings
from display import screen
from messaging.errors import UserError
from run_pipeline import PROCESSES, choose_processes

ADDRESS = "ipc:///somewhere/hub"


def plan(sections: dict[str, Any] | None = None, *, quiet_stdout: bool = False) -> Plan:
    settings = Settings.model_validate(sections or {})
    return make_plan(settings, ADDRESS, quiet_stdout=quiet_stdout)


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A camera, a microphone and a screen are there as far as the test's marker names them."""
    marker = request.node.get_closest_marker("there_is")
    there: tuple[str, ...] = marker.args if marker else ()
    monkeypatch.setattr(cameras, "has_camera", lambda: "camera" in there)
    monkeypatch.setattr(microphones, "has_microphone", lambda: "microphone" in there)
    monkeypatch.setattr(screen, "screen_available", lambda: "screen" in there)
    monkeypatch.setattr(screen, "window_lack", lambda: "")


def loaded(options: dict[str, Any], in_file: dict[str, Any], folder: Path) -> Settings:
    """``in_file`` has sections of texts."""
    lines = [
        line
        for section, values in in_file.items()
        for line in (f"[{section}]", *(f'{key} = "{value}"' for key, value in values.items()))
    ]
    (folder / "lab.toml").write_text("\n".join(lines))
    return load_settings(options, folder / "lab.toml", {})


def names(chosen: Plan) -> list[str]:
    return [process.name for process in choose_processes(chosen)]


@pytest.mark.there_is("camera", "microphone", "screen")
def test_with_camera_and_microphone_it_is_live() -> None:
    chosen = plan()
    assert names(chosen) == ["hub", "camera", "microphone", "inference", "fusion", "window"]
    assert chosen.settings.microphone.cameras == ("camera",)
    assert chosen.settings.bus.address == ADDRESS
    assert not chosen.settings.fusion.exit_when_closed
    assert chosen.notes == ()


@pytest.mark.there_is("camera", "microphone")
def test_an_assignment_that_was_made_is_kept() -> None:
    chosen = plan({"microphone": {"cameras": ["left", "right"]}})
    assert chosen.settings.microphone.cameras == ("left", "right")


@pytest.mark.there_is("camera")
def test_without_a_microphone_the_demo_session_plays_and_says_so() -> None:
    chosen = plan({"display": {"kind": "terminal"}})
    assert names(chosen) == ["hub", "media", "inference", "fusion", "terminal"]
    assert chosen.notes == ("no microphone found", "playing the demo session instead")
    assert chosen.settings.media.file == CLIP
    assert chosen.settings.media.wait_for == ("inference", "fusion", "launcher", "display")
    assert chosen.settings.fusion.exit_when_closed


def test_without_any_device_both_are_named() -> None:
    assert plan().notes[:2] == ("no camera found", "no microphone found")


@pytest.mark.there_is("camera", "microphone")
def test_a_file_goes_before_devices() -> None:
    chosen = plan({"media": {"file": CLIP}, "display": {"kind": "none"}})
    assert names(chosen) == ["hub", "media", "inference", "fusion"]
    assert chosen.settings.media.file == CLIP
    assert chosen.settings.media.wait_for == ("inference", "fusion", "launcher")


def test_a_device_that_was_named_is_used_without_looking() -> None:
    chosen = plan({"camera": {"device": "7"}, "microphone": {"device": "none"}})
    assert chosen.sources == ("camera",)


def test_a_named_camera_is_used_though_no_microphone_is_there() -> None:
    chosen = plan({"camera": {"device": "7"}})
    assert (chosen.sources, chosen.notes) == (("camera",), ("no microphone found",))


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="both none"):
        plan({"camera": {"device": "none"}, "microphone": {"device": "none"}})


def test_a_missing_portaudio_is_a_missing_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> bool:
        raise UserError("PortAudio is missing; on Debian: apt-get install libportaudio2")

    monkeypatch.setattr(microphones, "has_microphone", fails)
    assert "no microphone: PortAudio is missing" in plan().notes[1]


@pytest.mark.there_is("screen")
def test_the_window_is_first_choice() -> None:
    assert plan().display == "window"


def test_a_window_without_a_screen_is_refused() -> None:
    with pytest.raises(UserError, match=r"no screen for a window: .*; choose --display terminal"):
        plan({"display": {"kind": "window"}})


@pytest.mark.parametrize("device", ["camera", "microphone"])
def test_a_device_beside_a_file_is_refused(device: str) -> None:
    with pytest.raises(UserError, match=r"talk\.mp4 plays as camera and microphone"):
        plan({"media": {"file": "talk.mp4"}, device: {"device": "0"}})


DEVICE = {"camera": {"device": "7"}, "microphone": {"device": "none"}}
FILE = {"media": {"file": CLIP}}


@pytest.mark.parametrize(
    ("options", "in_file", "sources"),
    [(FILE, DEVICE, ("media",)), (DEVICE, FILE, ("camera",)), (FILE, {}, ("media",))],
)
def test_of_a_file_and_devices_what_the_command_line_asks_for_goes_first(
    options: dict[str, Any], in_file: dict[str, Any], sources: tuple[str, ...], tmp_path: Path
) -> None:
    assert make_plan(loaded(options, in_file, tmp_path), ADDRESS, quiet_stdout=True).sources == (
        sources
    )


@pytest.mark.parametrize("place", ["the command line", "file .*lab.toml"])
def test_where_both_come_from_one_place_that_is_named(place: str, tmp_path: Path) -> None:
    both, none = FILE | DEVICE, dict[str, Any]()
    options, in_file = (both, none) if place == "the command line" else (none, both)
    with pytest.raises(UserError, match=rf"camera\.device = '7' .* \(both from {place}\)"):
        make_plan(loaded(options, in_file, tmp_path), ADDRESS, quiet_stdout=True)


def test_a_file_waits_for_whom_it_was_told_to_wait() -> None:
    chosen = plan({"media": {"wait_for": ["fusion", "hub"]}, "display": {"kind": "terminal"}})
    assert chosen.settings.media.wait_for == ("fusion", "hub", "launcher", "display")


def test_a_file_does_not_wait_for_a_node_that_cannot_come() -> None:
    awaited = {"media": {"wait_for": ["fusion", "judge"]}}
    with pytest.raises(UserError, match=r"wait_for names 'judge', .* there are .*, inference"):
        plan(awaited)
    with pytest.raises(UserError, match="names 'display'"):
        plan({"media": {"wait_for": ["display"]}, "display": {"kind": "none"}})
    joined = plan({**awaited, "bus": {"address": ADDRESS}})  # others may come there
    assert "judge" in joined.settings.media.wait_for


def test_whoever_runs_can_be_waited_for() -> None:
    ways = {"lsl": {"enabled": True}, "osc": {"target": "stage:9000"}, "metrics": {"enabled": True}}
    asked = {**ways, "recording": {"folder": "somewhere"}, "display": {"kind": "terminal"}}
    everybody = ["hub", "inference", "fusion", "display", "lsl", "osc", "metrics", "recorder"]
    chosen = plan({**asked, "media": {"wait_for": everybody}})
    assert set(everybody) <= set(chosen.settings.media.wait_for)
    for nobody in ("media", "camera"):
        with pytest.raises(UserError, match=f"media.wait_for names '{nobody}'"):
            plan({"media": {"wait_for": [nobody]}})


@pytest.mark.parametrize(
    ("said", "awaited"),
    [
        ({}, ("inference", "fusion", "launcher")),
        ({"start_from": "faces"}, ("fusion", "launcher")),
        ({"wait_for": ["metrics"]}, ("metrics", "launcher")),
    ],
)
def test_a_replay_waits_for_whom_it_was_told_to_wait(
    said: dict[str, Any], awaited: tuple[str, ...]
) -> None:
    others = {"display": {"kind": "none"}, "metrics": {"enabled": True}}
    chosen = plan({**others, "replay": {"session": "somewhere", **said}})
    assert chosen.settings.replay.wait_for == awaited


@pytest.mark.there_is("camera", "microphone")
def test_no_source_waits_for_a_node_that_cannot_come() -> None:
    chosen = plan({"microphone": {"wait_for": ["left"]}, "camera": {"name": "left"}})
    assert chosen.settings.microphone.wait_for == ("left",)
    with pytest.raises(UserError, match=r"microphone\.wait_for names 'right'"):
        plan({"microphone": {"wait_for": ["right"]}})
    nobody = {"session": "somewhere", "start_from": "faces", "wait_for": ["inference"]}
    with pytest.raises(UserError, match=r"replay\.wait_for names 'inference'"):
        plan({"replay": nobody})


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"media\.file: no media file /no/such\.mp4"):
        plan({"media": {"file": "/no/such.mp4"}})


def test_a_stdout_that_programs_read_gets_no_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert plan().display == "terminal"
    assert plan(quiet_stdout=True).display == "none"


def test_ways_out_run_on_request_alone_and_a_recording_waits_for_them() -> None:
    assert not {"lsl", "osc"} & set(names(plan()))
    ways = {"lsl": {"enabled": True}, "osc": {"target": "stage:9000"}}
    chosen = plan(ways)
    assert names(chosen)[-2:] == ["lsl", "osc"]
    assert chosen.settings.media.wait_for[-2:] == ("lsl", "osc")
    replayed = plan({**ways, "replay": {"session": "somewhere"}})
    assert replayed.settings.replay.wait_for[-2:] == ("lsl", "osc")


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_every_row_of_the_table_names_a_module_that_runs(process: Any) -> None:
    path = Path(__file__).parents[2].joinpath(*process.module.split(".")).with_suffix(".py")
    assert "\ndef run(settings: Settings) -> None:\n" in path.read_text()


def test_without_its_demo_session_it_asks_to_be_reinstalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "CLIP", tmp_path / "clip.mp4")
    with pytest.raises(UserError, match=r"no demo session .*clip.mp4; reinstall emofuse"):
        plan()


@pytest.mark.there_is("camera", "microphone", "screen")
def test_where_a_window_lacks_a_library_none_is_opened_and_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(screen, "window_lack", lambda: "no window: libsm6 is missing")
    chosen = plan()
    assert "window" not in names(chosen)
    assert chosen.notes == ("no window: libsm6 is missing",)
    with pytest.raises(UserError, match=r"libsm6 is missing, or choose --display terminal"):
        plan({"display": {"kind": "window"}})
