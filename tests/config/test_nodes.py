"""Tables of nodes: each node's settings, and errors that name table, key and value."""

from pathlib import Path

import pytest

from config.load import SettingsError, load_settings
from config.nodes import named, node_settings
from config.settings import SECTION_OF, Settings
from run_pipeline import PROCESSES

LEFT = '[nodes.left]\nkind = "camera"\n'


def load(file: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    file.write_text(text)
    return load_settings({}, file, environment or {})


def error_of(file: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(file, text)
    return str(caught.value).replace(str(file), "FILE")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lab.toml"


def test_a_node_s_own_keys_go_before_its_kind_s_section(file: Path) -> None:
    text = f'[camera]\nfps = 25\nwidth = 320\n{LEFT}device = "3"\nfps = 10\n'
    settings = load(file, text)
    camera = node_settings(settings, "left").camera
    assert (camera.device, camera.fps, camera.width, camera.name) == ("3", 10, 320, "left")
    assert settings.camera.device == "auto"


def test_a_table_within_a_node_s_table_is_another_section_s(file: Path) -> None:
    text = '[nodes.mic]\nkind = "microphone"\nvoice_activity.min_silence_s = 0.3\n'
    settings = load(file, f"[voice_activity]\nmin_speech_s = 0.2\n{text}")
    own = node_settings(settings, "mic").voice_activity
    assert (own.min_silence_s, own.min_speech_s) == (0.3, 0.2)
    assert settings.voice_activity.min_silence_s == 0.5


@pytest.mark.parametrize(("kind", "section"), SECTION_OF.items())
def test_a_node_has_its_table_s_name_or_its_own(file: Path, kind: str, section: str) -> None:
    text = f'[nodes.one]\nkind = "{kind}"\n[nodes.two]\nkind = "inference"\nname = "x"\n'
    settings = load(file, text)
    one = node_settings(settings, "one")
    assert (one.name, node_settings(settings, "two").name) == ("one", "x")
    if kind in ("camera", "microphone", "media"):
        assert getattr(one, section).name == "one"


def test_what_streams_of_a_lab_are_called_is_no_node_s_name(file: Path) -> None:
    text = '[nodes.out]\nkind = "lsl"\n[nodes.other]\nkind = "lsl"\nlsl.name = "lab"\n'
    settings = load(file, text)
    prefixes = [node_settings(settings, table).lsl.name for table in ("out", "other")]
    assert prefixes == ["emofuse", "lab"]
    assert named(Settings(), "lsl", "out").lsl.name == "emofuse"


def test_the_environment_names_a_node_s_setting_as_well(file: Path) -> None:
    settings = load(file, LEFT, {"EMOFUSE_NODES__LEFT__FPS": "12"})
    assert node_settings(settings, "left").camera.fps == 12


def test_a_node_that_is_started_by_hand_can_be_named() -> None:
    camera = named(Settings(), "camera", "left")
    assert (camera.name, camera.camera.name) == ("left", "left")
    assert named(Settings(), "inference", "worker-b").name == "worker-b"


def test_the_tables_in_the_documents_are_right(file: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "nodes.md").read_text()
    examples = [block.partition("```")[0] for block in text.split("```toml\n")[1:]]
    kinds: set[str] = set()
    for example in examples:
        settings = load(file, example)
        kinds |= {node.kind for node in settings.nodes.values()}
        for table in settings.nodes:
            node_settings(settings, table)
    assert kinds >= {"camera", "media", "recorder", "lsl", "osc", "metrics"}


@pytest.mark.parametrize("row", PROCESSES, ids=lambda row: row.name)
def test_every_process_can_be_a_node_of_a_file(row: object) -> None:
    assert getattr(row, "name", "") in SECTION_OF


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"{LEFT}fps = -2", "nodes.left.fps = -2 (from file FILE): input should be greater than 0"),
        (
            f"{LEFT}fbs = 2",
            "nodes.left.fbs (from file FILE): there is no such setting; known are kind, host, name",
        ),
        (
            f"{LEFT}bus.jpg = 2",
            "nodes.left.bus.jpg (from file FILE): there is no such setting; known are address,",
        ),
        (
            '[nodes.left]\nkind = "camra"',
            "nodes.left.kind = 'camra' (from file FILE): there is no such kind of node; known are",
        ),
        (
            '[nodes.left]\nkind = ["camera"]',
            "nodes.left.kind = ['camera'] (from file FILE): input should be a valid string",
        ),
        (
            "[nodes.left]\nkind = {a = 1}",
            "nodes.left.kind = {'a': 1} (from file FILE): input should be a valid string",
        ),
        (
            f"{LEFT}[nodes.left.nodes]\n",
            "nodes.left.nodes (from file FILE): there is no such setting; known are kind, host,",
        ),
        (
            f"{LEFT}[nodes.left.log_level]\n",
            "nodes.left.log_level (from file FILE): there is no such setting; known are kind,",
        ),
        ('[nodes.left]\nhost = "a"', "nodes.left.kind must be given"),
        ("[nodes]\nleft = 3", "nodes.left = 3 (from file FILE): nodes.left is a table of settings"),
        (LEFT + LEFT, "Cannot declare ('nodes', 'left') twice"),
        (
            f'{LEFT}[nodes.mic]\nkind = "microphone"\nname = "left"',
            "nodes.left and nodes.mic are both named 'left'; give each a name of its own",
        ),
        (
            '[nodes.a]\nkind = "hub"\n[nodes.b]\nkind = "hub"',
            "nodes.a and nodes.b are both named 'hub'",
        ),
        ('[nodes.hub]\nkind = "camera"', "nodes.hub must not be named 'hub': that is taken"),
        (
            '[nodes.launcher]\nkind = "camera"',
            "nodes.launcher must not be named 'launcher': that is taken",
        ),
    ],
)
def test_a_mistake_is_named_with_its_table(file: Path, text: str, error: str) -> None:
    said = error_of(file, text)
    assert error in said
    assert len(said.splitlines()) == 1
