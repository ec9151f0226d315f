"""What a session says of itself."""

import hashlib
from pathlib import Path
from typing import Any

from commands.about import UNREAD, describe
from config.settings import InferenceSettings, Settings
from inference.network import models


def own(file: Path) -> dict[str, Any]:
    return {"file": str(file), "labels": ["happy", "sad"], "size": 48, "range": [0.0, 1.0]}


def test_the_models_are_those_of_all_nodes_that_look_for_faces(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"a network")
    nodes = {
        "cheap": {"kind": "inference", "engine": "litert-int8"},
        "mine": {"kind": "inference", "classifier": own(tmp_path / "mine.onnx")},
        "far": {"kind": "inference", "host": "server", "classifier": own(tmp_path / "far.onnx")},
    }
    told = describe(Settings.model_validate({"nodes": nodes}))["models"]
    cheap = models(InferenceSettings(engine="litert-int8"))
    assert told == {
        **cheap,
        "mine.onnx": hashlib.sha256(b"a network").hexdigest(),
        "far.onnx": UNREAD,
    }
    assert "mini_xception.tflite" not in told
    without = {"nodes": {"join": {"kind": "fusion"}}}
    assert describe(Settings.model_validate(without))["models"] == models(InferenceSettings())
