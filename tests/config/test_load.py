"""Settings are checked before anything starts; errors name key, value, range and origin."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.load import SettingsError, load_settings
from config.settings import Settings
from tests.pipelines import ROOT


def error_of(
    options: dict[str, Any] | None = None,
    file: Path | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(options, file, environment or {})
    return str(caught.value)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    file = tmp_path / "lab.toml"
    file.write_text('log_level = "debug"\n[camera]\nfps = 25\nname = "left"\nwidth = 320\n')
    return file


def test_options_go_before_environment_and_environment_before_file(toml: Path) -> None:
    settings = load_settings(
        {"camera": {"name": "option"}},
        toml,
        {"EMOFUSE_CAMERA__NAME": "environment", "EMOFUSE_CAMERA__FPS": "24.5"},
    )
    camera = settings.camera
    assert (camera.name, camera.fps, camera.width, camera.height) == ("option", 24.5, 320, 480)
    assert settings.log_level == "debug"


def test_a_variable_names_the_file(toml: Path) -> None:
    assert load_settings(environment={"EMOFUSE_CONFIG": str(toml)}).camera.name == "left"


def test_a_list_in_the_environment_is_separated_by_commas() -> None:
    settings = load_settings(environment={"EMOFUSE_MICROPHONE__CAMERAS": "left,right"})
    assert settings.microphone.cameras == ("left", "right")


def test_other_variables_do_not_matter() -> None:
    assert load_settings(environment={"CAMERA__FPS": "x", "HOME": "y"}) == Settings()


def test_an_error_names_key_value_range_and_origin(toml: Path) -> None:
    assert error_of({"camera": {"fps": -1}}) == (
        "camera.fps = -1 (from the command line): input should be greater than 0"
    )
    assert "camera.fps = 'fast' (from the environment): input should be a valid number" in error_of(
        environment={"EMOFUSE_CAMERA__FPS": "fast"}
    )
    toml.write_text("[fusion]\nmax_gap_s = 99\n")
    assert error_of(file=toml) == (
        f"fusion.max_gap_s = 99 (from file {toml}): input should be less than or equal to 60"
    )


def test_the_alternatives_of_a_value_share_a_line() -> None:
    (line,) = error_of({"media": {"speed": "warp"}}).splitlines()
    assert "valid number" in line
    assert "'max'" in line


def test_every_error_has_a_line() -> None:
    assert len(error_of({"camera": {"fps": 0, "width": 1}}).splitlines()) == 2


def test_a_key_that_does_not_exist_is_named_with_those_that_do(toml: Path) -> None:
    assert error_of(environment={"EMOFUSE_CAMERA__FSP": "3"}) == (
        "camera.fsp (from the environment): there is no such setting; "
        "known are device, name, width, height, fps, wait_for"
    )
    toml.write_text("[camra]\nfps = 3\n")
    assert error_of(file=toml).startswith(f"camra (from file {toml}): there is no such setting")


def test_a_section_that_is_no_section_is_an_error() -> None:
    assert "camera = '3' (from the environment)" in error_of(environment={"EMOFUSE_CAMERA": "3"})


def test_a_table_that_is_given_as_a_value_is_told_how_it_is_written(toml: Path) -> None:
    toml.write_text("camera = 3\n")
    assert error_of(file=toml) == (
        f"camera = 3 (from file {toml}): camera is a table of settings: [camera], or "
        "EMOFUSE_CAMERA__KEY"
    )


def test_a_variable_that_names_nothing_is_named() -> None:
    for name in ("EMOFUSE_", "EMOFUSE___FPS", "EMOFUSE_CAMERA__"):
        assert error_of(environment={name: "1"}) == (
            f"{name} in the environment names no setting; write EMOFUSE_SECTION__KEY"
        )


@pytest.mark.parametrize("address", ["foo", "udp://x", "ipc://", "tcp://host", "tcp://:5550"])
def test_an_address_that_is_none_is_named_with_its_origin(address: str) -> None:
    assert error_of(environment={"EMOFUSE_BUS__ADDRESS": address}) == (
        f"bus.address = {address!r} (from the environment): expected ipc:///PATH or tcp://HOST:PORT"
    )


def test_a_file_without_a_name_is_none() -> None:
    assert error_of(environment={"EMOFUSE_MEDIA__FILE": ""}) == (
        "media.file = '' (from the environment): this names no file; give it one, or leave it out"
    )


def test_an_empty_folder_takes_the_files_back(toml: Path) -> None:
    toml.write_text('[recording]\nfolder = "here"\n[replay]\nsession = ""\n')
    assert load_settings({}, toml, {}).recording.folder == Path("here")
    settings = load_settings({}, toml, {"EMOFUSE_RECORDING__FOLDER": ""})
    assert (settings.recording.folder, settings.replay.session) == (None, None)


CLASSIFIER = {"file": "/net.onnx", "labels": "happy,sad", "size": 48, "range": (0, 1)}


def test_a_table_within_a_table_is_given_by_all_three_origins(toml: Path) -> None:
    toml.write_text('[inference.classifier]\nfile = "net.onnx"\nsize = 48\nrange = [0, 1]\n')
    settings = load_settings(
        {"inference": {"classifier": {"size": 64}}},
        toml,
        {"EMOFUSE_INFERENCE__CLASSIFIER__LABELS": "happy,-contempt"},
    )
    classifier = settings.inference.classifier
    assert (classifier.size, classifier.range) == (64, (0, 1))
    assert classifier.labels == ("happy", "-contempt")
    assert classifier.file == Path.cwd() / "net.onnx"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("SIZE", "x", ".size = 'x' (from the environment): input should be a valid integer"),
        ("FIL", "x", ".fil (from the environment): there is no such setting; known are file, "),
        ("MEAN", "1,x", ".mean = 'x' (from the environment): input should be a valid number"),
        ("COLOUR", "red", ".colour = 'red' (from the environment): input should be 'grey', 'rgb'"),
        ("FILE", "", ".file = '' (from the environment): this names no file"),
        ("SIZE", "48", ": size without file, which names the network"),
        ("FILE", "a.onnx", ": file without labels, size, range, which say what the network is"),
    ],
)
def test_an_error_in_a_table_within_a_table_names_all_of_it(
    variable: str, value: str, told: str
) -> None:
    found = error_of(environment={f"EMOFUSE_INFERENCE__CLASSIFIER__{variable}": value})
    assert found.startswith(f"inference.classifier{told}")
    assert "\n" not in found


def test_a_table_within_a_table_that_is_given_as_a_value_is_told_how_it_is_written() -> None:
    assert error_of(environment={"EMOFUSE_INFERENCE__CLASSIFIER": "x"}) == (
        "inference.classifier = 'x' (from the environment): inference.classifier is a table of "
        "settings: [inference.classifier], or EMOFUSE_INFERENCE__CLASSIFIER__KEY"
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"range": (1, 1)}, "range (1, 1) must be two different numbers"),
        ({"range": (0, 1, 2)}, "range (0, 1, 2) must be two different numbers"),
        ({"size": 4}, "size (4) must be 8 pixels or more"),
        ({"std": (0,)}, "std (0) must not be 0"),
        (
            {"mean": (1, 2), "colour": "rgb"},
            "mean (1, 2) must be one number, or one for each of the 3 channels",
        ),
        (
            {"std": (1, 2, 3)},
            "std (1, 2, 3) must be one number, or one for each of the 1 channels",
        ),
    ],
    ids=str,
)
def test_a_description_of_a_network_that_cannot_be_is_an_error(
    change: dict[str, Any], told: str
) -> None:
    assert load_settings({"inference": {"classifier": CLASSIFIER}}, environment={})
    assert (
        error_of({"inference": {"classifier": {**CLASSIFIER, **change}}})
        == f"inference.classifier: {told}"
    )


def test_a_section_cannot_be_a_value_and_a_section() -> None:
    both = {"EMOFUSE_CAMERA": "x", "EMOFUSE_CAMERA__FPS": "3"}
    assert "EMOFUSE_CAMERA__FPS in the environment contradicts EMOFUSE_CAMERA" in error_of(
        environment=both
    )


def test_values_that_contradict_each_other_are_an_error() -> None:
    assert error_of({"voice_activity": {"offset_probability": 0.9}}) == (
        "voice_activity: offset_probability (0.9) must not be above onset_probability (0.5)"
    )


def test_senders_need_names_of_their_own() -> None:
    assert error_of({"camera": {"name": "room"}, "microphone": {"name": "room"}}) == (
        "camera.name and microphone.name are both 'room'"
    )
    assert error_of({"camera": {"name": "fusion"}}) == (
        "camera.name and microphone.name must not be 'fusion'"
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert error_of(file=tmp_path / "no.toml") == (
        f"config file {tmp_path}/no.toml: No such file or directory"
    )
    broken = tmp_path / "broken.toml"
    broken.write_text("[camera\n")
    assert error_of(file=broken).startswith(f"config file {broken} is no valid TOML")
    broken.write_bytes(b"\xff\xfe")
    assert error_of(file=broken).startswith(f"config file {broken} is no valid TOML")


def test_a_file_is_utf_8_whatever_the_locale_is(toml: Path) -> None:
    toml.write_text('[microphone]\ndevice = "Größe"\n', encoding="utf-8")
    program = (
        "import pathlib, sys; from config.load import load_settings; "
        "print(ascii(load_settings({}, pathlib.Path(sys.argv[1]), {}).microphone.device))"
    )
    told = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", program, toml],
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == ascii("Größe")


@pytest.mark.parametrize("section", Settings.model_fields)
def test_settings_are_frozen_and_their_defaults_are_valid(section: str) -> None:
    settings = Settings()
    assert Settings.model_validate(settings.model_dump()) == settings
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, section, None)
