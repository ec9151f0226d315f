"""TensorFlow's own networks, in the engines that run them; Keras itself is the reference."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.settings import InferenceSettings
from inference.classifier import open_classifier

from .conftest import PROJECT
from .networks import own

pytestmark = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``keras_networks`` leaves behind."""
    made = tmp_path_factory.mktemp("keras")
    child = subprocess.run(
        [sys.executable, "-m", "tests.inference.keras_networks", made],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return made


@pytest.fixture
def told(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "told.json").read_text())


def agree(found: Any, expected: Any) -> bool:
    return np.array(found) == pytest.approx(expected, abs=1e-3)


def labels_alike(found: Any, expected: Any) -> float:
    return float((np.array(found).argmax(axis=1) == np.array(expected).argmax(axis=1)).mean())


@pytest.mark.parametrize("name", ["rgb.keras", "rgb.h5", "grey.keras"])
def test_a_keras_network_says_what_keras_says_for_any_number_of_faces(
    folder: Path, told: dict[str, Any], name: str
) -> None:
    expected = np.load(folder / f"{Path(name).stem}.npy")
    assert expected.std(axis=0).max() > 0.05
    for count, rows in enumerate(told[name], 1):
        assert agree(rows, expected[:count])


@pytest.mark.parametrize("name", ["rgb", "grey"])
def test_a_tflite_network_says_what_keras_says_of_its_origin(folder: Path, name: str) -> None:
    crops, expected = (
        np.load(folder / file)
        for file in ("crops.npy" if name == "rgb" else "grey_crops.npy", f"{name}.npy")
    )
    settings = own(folder / f"{name}.tflite", size=crops.shape[1], colour=name)
    classifier = open_classifier(settings)
    assert classifier.name == f"{name} (litert)"
    assert agree(classifier(crops), expected)


def test_a_tflite_network_of_bytes_agrees_as_far_as_bytes_can(folder: Path) -> None:
    classifier = open_classifier(own(folder / "whole.tflite", range=(-1, 1)))
    found, expected = classifier(np.load(folder / "crops.npy")), np.load(folder / "whole.npy")
    assert np.array(found) == pytest.approx(expected, abs=0.05)
    assert labels_alike(found, expected) == 1


def test_what_does_not_fit_is_refused(folder: Path, told: dict[str, Any]) -> None:
    assert f"{folder}/rgb.keras takes any x 32 x 32 x 3, and not, as size = 48" in told["shape"]
    assert "gives 7 numbers, and inference.classifier.labels names 2 (happy, sad)" in told["labels"]
    assert "rgb.keras is run by tensorflow; set it to auto or tensorflow" in told["engine"]
    assert "junk.keras cannot be loaded by tensorflow: " in told["junk"]
    assert "both.keras has 2 inputs and 1 outputs; a classifier has one of each" in told["both"]
    assert not [key for key, value in told.items() if isinstance(value, str) and "\n" in value]


@pytest.mark.parametrize("engine", ["plain", "xla"])
def test_mini_xception_in_tensorflow_says_what_keras_says(
    folder: Path, told: dict[str, Any], engine: str
) -> None:
    assert agree(told[engine], np.load(folder / "reference.npy"))


def test_mini_xception_in_litert_says_what_keras_says(folder: Path) -> None:
    classifier = open_classifier(InferenceSettings(engine="litert"))
    assert agree(classifier(np.load(folder / "faces.npy")), np.load(folder / "reference.npy"))


def test_int8_and_16_bits_give_nearly_all_drawn_faces_the_same_label(
    folder: Path, told: dict[str, Any]
) -> None:
    reference = np.load(folder / "reference.npy")
    int8 = open_classifier(InferenceSettings(engine="litert-int8"))
    assert labels_alike(int8(np.load(folder / "faces.npy")), reference) >= 0.97
    assert labels_alike(told["mixed"], reference) >= 0.97
