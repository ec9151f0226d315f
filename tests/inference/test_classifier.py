"""Networks of the user's: what they are asked, what becomes of their answers, what is refused."""

import hashlib
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from config.settings import InferenceSettings
from inference import crop, engine, weights
from inference.classifier import open_classifier
from inference.crop import Square
from inference.detector import Picture
from inference.faces import open_face_inference
from inference.network import MINI_XCEPTION, models, network_of, never_on_gpu
from messaging.errors import UserError
from messaging.schema import EMOTIONS

from .networks import answer, make_onnx, noise, own, softmax

CONTEMPT = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "-contempt")
"""FER+, as it is often written."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lab.onnx"


def refusal(settings: InferenceSettings) -> str:
    with pytest.raises(UserError) as caught:
        open_classifier(settings)
    told = str(caught.value)
    assert "\n" not in told
    return told


@pytest.mark.parametrize(
    "shape",
    [("n", 3, 32, 32), ("n", 32, 32, 3), (1, 3, 32, 32), (1, 32, 32, 3), (4, 3, 32, 32)],
    ids=str,
)
def test_an_onnx_network_is_asked_in_its_own_layout_and_number(
    file: Path, shape: tuple[int | str, ...]
) -> None:
    classifier = open_classifier(own(make_onnx(file, shape)))
    assert classifier.name == "lab (onnx)"
    crops = noise(6)
    expected = softmax(answer(crops.astype(np.float32) / 255))
    for count in range(7):
        found = classifier(crops[:count])
        assert len(found) == count
        if count:
            assert np.array(found) == pytest.approx(expected[:count], abs=1e-4)


def test_a_shape_that_says_nothing_is_taken_as_described(file: Path) -> None:
    crops = noise(2)
    classifier = open_classifier(own(make_onnx(file, ("n", 3, "height", "width"))))
    expected = softmax(answer(crops.astype(np.float32) / 255))
    assert np.array(classifier(crops)) == pytest.approx(expected, abs=1e-4)


def test_a_shape_that_leaves_the_layout_open_has_the_one_of_its_kind(tmp_path: Path) -> None:
    for suffix, expected in ((".onnx", (3, 32, 32)), (".tflite", (32, 32, 3))):
        file = tmp_path / f"lab{suffix}"
        file.touch()
        assert network_of(own(file).classifier).input_of((None,) * 4) == expected


def test_grey_has_one_channel(file: Path) -> None:
    classifier = open_classifier(own(make_onnx(file, ("n", 1, 32, 32)), colour="grey"))
    crops = noise(3, channels=1)
    expected = softmax(answer(crops.astype(np.float32) / 255, channels=1))
    assert np.array(classifier(crops)) == pytest.approx(expected, abs=1e-4)


def test_range_mean_and_std_are_those_of_the_description(file: Path) -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    classifier = open_classifier(own(make_onnx(file, factor=0.2), mean=mean, std=std))
    crops = noise(3)
    pixels = (crops.astype(np.float32) / 255 - np.array(mean)) / np.array(std)
    expected = softmax(answer(pixels) * np.float32(0.2))
    assert np.array(classifier(crops)) == pytest.approx(expected, abs=1e-4)


def test_pixels_as_they_are_have_the_range_0_to_255(file: Path) -> None:
    classifier = open_classifier(own(make_onnx(file, factor=1 / 255), range=(0, 255)))
    crops = noise(3)
    expected = softmax(answer(crops.astype(np.float32) / 255))
    assert np.array(classifier(crops)) == pytest.approx(expected, abs=1e-4)


def test_softmax_is_ours_where_the_network_gives_logits(file: Path) -> None:
    classifier = open_classifier(own(make_onnx(file, last="Identity"), logits=True))
    crops = noise(3)
    expected = softmax(answer(crops.astype(np.float32) / 255))
    assert np.array(classifier(crops)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("last", ["Softmax", "Identity"])
def test_labels_are_put_into_our_order_and_the_others_left_out(file: Path, last: str) -> None:
    classifier = open_classifier(
        own(make_onnx(file, outputs=8, last=last), labels=CONTEMPT, logits=last == "Identity")
    )
    assert classifier.network.notes == ["lab knows contempt too: left out"]
    crops = noise(4)
    rows = softmax(answer(crops.astype(np.float32) / 255, outputs=8))
    expected = rows[:, [4, 5, 6, 1, 3, 2, 0]] / rows[:, :7].sum(axis=1, keepdims=True)
    assert np.array(classifier(crops)) == pytest.approx(expected, abs=1e-4)


def test_an_emotion_that_a_network_does_not_know_has_probability_0(file: Path) -> None:
    labels = ("Happy", "SAD", "neutral")
    classifier = open_classifier(own(make_onnx(file, outputs=3), labels=labels))
    assert classifier.network.notes == [
        "lab knows no angry, disgust, fear, surprise: always 0",
    ]
    found = np.array(classifier(noise(4)))
    assert found[:, [0, 1, 2, 5]].max() == 0
    assert found.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert found[:, [3, 4, 6]].min() > 0


def test_a_face_that_only_shows_what_is_left_out_shows_all_the_rest_alike(file: Path) -> None:
    labels = ("-contempt", "happy", "sad")  # of every face the first output is far the largest
    classifier = open_classifier(own(make_onnx(file, outputs=3, factor=200), labels=labels))
    assert classifier(noise(1)) == [(0, 0, 0, 0.5, 0.5, 0, 0)]


def test_mini_xception_as_a_users_file_says_the_same(tmp_path: Path, portrait: Picture) -> None:
    copy = tmp_path / "mine.tflite"
    copy.write_bytes(weights.checked("mini_xception.tflite").read_bytes())
    settings = own(copy, size=64, colour="grey", range=(-1, 1))
    mine = open_face_inference(settings)
    assert mine.classifier.name == "mine (litert)"
    (face,) = mine("camera", 0, portrait)
    (expected,) = open_face_inference(InferenceSettings(engine="litert"))("camera", 0, portrait)
    assert face.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    assert (face.box, face.track) == (expected.box, expected.track)


def test_int8_is_run_with_the_ends_that_it_has(tmp_path: Path, portrait: Picture) -> None:
    copy = tmp_path / "small.tflite"
    copy.write_bytes(weights.checked("mini_xception_int8.tflite").read_bytes())
    settings = own(copy, size=64, colour="grey", range=(-1, 1))
    (face,) = open_face_inference(settings)("camera", 0, portrait)
    built_in = open_face_inference(InferenceSettings(engine="litert-int8"))
    assert built_in.classifier.name == "mini_xception (litert-int8)"
    assert face == built_in("camera", 0, portrait)[0]
    assert face.label == "happy"


def coloured(red: int, green: int, blue: int) -> Picture:
    return np.full((100, 100, 3), (blue, green, red), np.uint8)


@pytest.mark.parametrize("colour", ["rgb", "bgr", "grey"])
def test_crops_have_the_size_and_colours_of_the_network(file: Path, colour: str) -> None:
    channels = 1 if colour == "grey" else 3
    shape = ("n", channels, 48, 48)
    classifier = open_classifier(own(make_onnx(file, shape), colour=colour, size=48))
    picture, squares = coloured(200, 100, 50), [Square(50, 50, 30), Square(0, 0, 20)]
    crops = classifier.cut(picture, squares, crop.cut(picture, squares))
    assert crops.shape == (2, 48, 48, channels)
    values = {"rgb": [200, 100, 50], "bgr": [50, 100, 200], "grey": [124]}[colour]
    assert (crops == values).all()


def test_where_they_fit_the_trackers_crops_are_taken(file: Path) -> None:
    shape = ("n", 1, 64, 64)
    classifier = open_classifier(own(make_onnx(file, shape), colour="grey", size=64))
    picture = coloured(200, 100, 50)
    crops = crop.cut(picture, [Square(50, 50, 30)])
    assert classifier.cut(picture, [Square(50, 50, 30)], crops) is crops
    assert len(classifier(crops)) == 1


def test_a_crop_for_a_network_frames_what_the_trackers_does(portrait: Picture) -> None:
    squares = [Square(320, 261, 209, 0.1)]
    ours = crop.cut(portrait, squares)
    same = crop.cut_for(MINI_XCEPTION, portrait, squares)
    assert np.array_equal(same[..., 0], ours)
    larger = crop.cut_for(replace(MINI_XCEPTION, side=128), portrait, squares)[0, ..., 0]
    assert np.abs(cv2.resize(larger, (64, 64)).astype(float) - ours[0]).mean() < 3


def test_numbers_that_are_not_finite_are_refused_also_later(file: Path) -> None:
    """Only a black face brings it about: none that is tried at the start."""
    network = make_onnx(file, last="Log", factor=0)  # log 0
    assert "gives numbers that are not finite" in refusal(own(network, logits=True))
    classifier = open_classifier(own(make_onnx(file, last="Reciprocal"), logits=True))
    with pytest.raises(UserError, match=r"lab.onnx gave numbers that are not finite; .* \(range"):
        classifier(np.zeros((1, 32, 32, 3), np.uint8))


@pytest.mark.parametrize(
    ("network", "changes", "told"),
    [
        (
            {"shape": ("n", 3, 48, 48)},
            {},
            'takes any x 3 x 48 x 48, and not, as size = 32 and colour = "rgb" say, any x 32 x 32',
        ),
        ({"shape": ("n", 3, 32, 48)}, {}, "takes any x 3 x 32 x 48, and not, "),
        ({}, {"colour": "grey"}, "say, any x 32 x 32 x 1 or any x 1 x 32 x 32"),
        (
            {"outputs": 8},
            {},
            "gives 8 numbers, and inference.classifier.labels names 7 (angry, disgust, fear, ",
        ),
        ({"last": "Identity"}, {}, "set inference.classifier.logits = true"),
        ({"last": "Sigmoid"}, {}, "gives no probabilities (from "),
        ({}, {"logits": True}, "gives probabilities already; set inference.classifier.logits ="),
        ({"rows": 1}, {}, "takes one face, and fails on 3: "),
        ({"inputs": 2}, {}, "has 2 inputs and 1 outputs; a classifier has one of each"),
        ({"kind": "DOUBLE"}, {}, "takes tensor(double); it must be float32"),
        ({}, {"engine": "tensorflow"}, "is run by onnx; set it to auto or onnx"),
        (
            {},
            {"labels": ("hapy", *EMOTIONS[1:])},
            "surprise, neutral; correct it, or leave that output out with '-hapy'",
        ),
        (
            {},
            {"labels": ("anger", *EMOTIONS[:6])},
            "names angry twice: 'anger' and 'angry'",
        ),
        ({"outputs": 2}, {"labels": ("sad", "-rest")}, "names fewer than two of angry, "),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_its_description_is_refused(
    file: Path, network: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    found = refusal(own(make_onnx(file, **network), **changes))
    assert told in found
    assert found.startswith("inference.")
    assert "lab.onnx" in found or "inference.classifier.labels" in found


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gone.onnx", "gone.onnx is not there; check the path"),
        (
            "lab.pt",
            "lab.pt is no network that is known here; there are .tflite, .keras, ",
        ),
        ("junk.onnx", "junk.onnx cannot be loaded by onnx: "),
        ("junk.tflite", "junk.tflite cannot be loaded by litert: "),
    ],
)
def test_a_file_that_is_no_network_is_refused_by_name(tmp_path: Path, name: str, told: str) -> None:
    if not name.startswith("gone"):
        (tmp_path / name).write_bytes(b"no network at all" * 100)
    assert told in refusal(own(tmp_path / name))


@pytest.mark.parametrize(
    ("suffix", "package", "extra"),
    [
        (".onnx", "onnxruntime", "onnx"),
        (".keras", "tensorflow", "full"),
        (".h5", "tensorflow", "full"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str, extra: str
) -> None:
    def absent(_name: str) -> ModuleSpec | None:
        return None

    file = tmp_path / f"lab{suffix}"
    file.touch()
    monkeypatch.setattr(engine, "find_spec", absent)
    assert refusal(own(file)).endswith(
        f"lab{suffix} needs {package}, which is not installed: install emofuse[{extra}]"
    )


def test_what_never_runs_on_a_gpu_is_known_without_loading_it() -> None:
    assert not never_on_gpu(InferenceSettings())
    assert never_on_gpu(InferenceSettings(engine="litert-int8"))
    assert never_on_gpu(own(Path("lab.onnx")))
    assert not never_on_gpu(own(Path("lab.keras")))


def test_the_models_are_those_that_results_depend_on(file: Path) -> None:
    faces = {name for name in weights.origins() if name.startswith("blazeface")}
    float32 = {"mini_xception.tflite", "mini_xception.keras"}
    assert models(InferenceSettings()).keys() == faces | float32
    int8 = models(InferenceSettings(engine="litert-int8"))
    assert int8.keys() == faces | {"mini_xception_int8.tflite"}
    mine = models(own(make_onnx(file)))
    assert mine.keys() == faces | {"lab.onnx"}
    assert mine["lab.onnx"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_onnx_runtime_is_for_networks_of_the_users() -> None:
    told = refusal(InferenceSettings(engine="onnx"))
    assert "inference.engine is onnx, of which mini_XCEPTION has no file" in told
