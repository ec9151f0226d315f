import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference import engine as module
from inference.classifier import Classifier
from inference.engine import Engine, gpu_is_there, open_engine
from messaging.errors import UserError

PROJECT = Path(__file__).parents[2]

IN_TENSORFLOW = """
import json, sys
import numpy as np
from inference.engine import open_engine
engine = open_engine("tensorflow", threads=1, max_batch=4)
inputs = np.load(sys.argv[1])
traces = engine._run.experimental_get_tracing_count()
found = [engine(inputs[:count]).tolist() for count in range(len(inputs) + 1)]
print(json.dumps([found, engine._run.experimental_get_tracing_count() - traces]))
"""


@pytest.fixture(scope="module")
def litert() -> Engine:
    return open_engine("litert", threads=1, max_batch=1)


def noise(count: int) -> NDArray[np.float32]:
    """Smooth and rough, dark and bright."""
    random = np.random.default_rng(1)
    rough = random.uniform(-1, 1, (count, 64, 64, 1))
    smooth = rough.cumsum(axis=1).cumsum(axis=2)
    return np.tanh(np.where(np.arange(count)[:, None, None, None] % 2, rough, smooth)).astype("f4")


def test_each_row_is_a_distribution_over_seven_classes(litert: Engine) -> None:
    found = litert(noise(5))
    assert found.shape == (5, 7)
    assert found.min() >= 0
    assert found.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_a_face_has_the_same_result_alone_and_among_others(litert: Engine) -> None:
    inputs = noise(6)
    alone = np.concatenate([litert(one[np.newaxis]) for one in inputs])
    assert np.array_equal(litert(inputs), alone)


def test_no_faces_have_no_results(litert: Engine) -> None:
    assert litert(noise(0)).shape == (0, 7)


def test_the_classifier_scales_grey_to_the_networks_range(litert: Engine) -> None:
    crops = np.random.default_rng(2).integers(0, 256, (3, 64, 64), np.uint8)
    inputs = ((crops / 255 - 0.5) * 2).astype(np.float32)[..., np.newaxis]
    found = Classifier(litert)(crops)
    assert np.array(found) == pytest.approx(litert(inputs), abs=1e-5)
    assert Classifier(litert)(crops[:0]) == []


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_tensorflow_gives_the_same_probabilities_without_tracing_again(
    litert: Engine, tmp_path: Path
) -> None:
    inputs = noise(6)
    np.save(tmp_path / "inputs.npy", inputs)
    child = subprocess.run(
        [sys.executable, "-c", IN_TENSORFLOW, tmp_path / "inputs.npy"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    found, traced_again = json.loads(child.stdout)
    assert traced_again == 0
    for count, probabilities in enumerate(found):
        assert len(probabilities) == count
        if count:
            assert np.array(probabilities) == pytest.approx(litert(inputs[:count]), abs=1e-3)


def test_a_gpu_is_told_by_its_device_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert not gpu_is_there(tmp_path)
    (tmp_path / "nvidiactl").touch()
    assert not gpu_is_there(tmp_path)
    (tmp_path / "nvidia0").touch()
    assert gpu_is_there(tmp_path)


@pytest.mark.parametrize(
    ("visible", "there"), [("0", True), ("1,0", True), ("", False), ("-1", False)]
)
def test_hidden_gpus_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, *, there: bool
) -> None:
    (tmp_path / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_is_there(tmp_path) is there


def test_auto_is_litert_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert open_engine("auto", threads=1, max_batch=4).name == "litert"


def test_tensorflow_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_name: str) -> None:
        return None

    monkeypatch.setattr(module, "find_spec", absent)
    with pytest.raises(UserError, match=r"emofuse\[full\]"):
        open_engine("tensorflow", threads=1, max_batch=4)


def test_neither_tensorflow_nor_onnx_runtime_is_imported_on_the_cpu_path() -> None:
    program = """
import sys
import inference.node
from config.settings import InferenceSettings
from inference.faces import open_face_inference
open_face_inference(InferenceSettings())
heavy = {"tensorflow", "keras", "onnxruntime"}
print(sorted(name for name in sys.modules if name.split(".")[0] in heavy))
"""
    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == "[]"
    assert child.stderr == ""
