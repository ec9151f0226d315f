import hashlib
import shutil
from pathlib import Path

import pytest

from inference import weights
from messaging.errors import UserError

NAMES = sorted(weights.origins())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(weights.FOLDER, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_every_network_in_the_folder_has_an_origin() -> None:
    files = {file.name for file in weights.FOLDER.iterdir() if file.suffix in {".tflite", ".keras"}}
    assert files == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_the_one_that_was_recorded(name: str) -> None:
    content = weights.checked(name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == weights.origins()[name].sha256


@pytest.mark.parametrize("name", NAMES)
def test_a_licence_and_a_source_are_recorded(name: str) -> None:
    origin = weights.origins()[name]
    assert origin.licence in {"MIT", "Apache-2.0"}
    assert "==" in origin.source
    assert origin.credit


def test_a_changed_file_is_refused_by_name(copy: Path) -> None:
    file = copy / NAMES[0]
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=rf"{NAMES[0]} have sha256 \w+\.\.\., not .* reinstall"):
        weights.checked(NAMES[0], copy)


def test_a_missing_file_is_refused_by_name(copy: Path) -> None:
    (copy / NAMES[0]).unlink()
    with pytest.raises(UserError, match=rf"no weights .*{NAMES[0]} .* reinstall"):
        weights.checked(NAMES[0], copy)


def test_a_missing_list_of_weights_is_refused_by_name(copy: Path) -> None:
    (copy / weights.ORIGINS).unlink()
    with pytest.raises(UserError, match=r"no list of weights .*weights.json .* reinstall"):
        weights.checked(NAMES[0], copy)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"mini_xception.tflite": {"sha256": 1}}']
)
def test_a_damaged_list_of_weights_is_refused_by_name(copy: Path, content: bytes) -> None:
    (copy / weights.ORIGINS).write_bytes(content)
    with pytest.raises(UserError, match=r"weights.json is damaged: reinstall"):
        weights.checked(NAMES[0], copy)


def test_a_list_that_lacks_a_file_is_refused_by_name(copy: Path) -> None:
    (copy / weights.ORIGINS).write_bytes(b"{}")
    with pytest.raises(UserError, match=rf"weights.json lacks {NAMES[0]}: reinstall"):
        weights.checked(NAMES[0], copy)
