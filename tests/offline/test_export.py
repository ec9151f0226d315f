"""The commands export and plot, as they are typed."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
import pytest

from capture.demo import CLIP, load_truth
from commands.export import export_recording
from commands.plot import plot_recording
from config.settings import Settings
from messaging.errors import UserError
from offline.export import FORMATS, formats_of, outputs
from offline.export import export as export_made
from offline.output import require, whole_file
from tests.capture.clips import make_clip
from tests.offline.scenes import film, recording
from tests.pipelines import emofuse
from tests.recording.messages import make_session, marker

LABELS = [spoken.label for spoken in load_truth().utterances]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, and all that is made of it without being told where."""
    folder = tmp_path_factory.mktemp("export")
    shutil.copy(CLIP, folder / "talk one.mp4")
    run = emofuse("export", folder / "talk one.mp4", "--to", ",".join(FORMATS), demo=False)
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.split("\n")[:-1]) == sorted(
        str(path) for path in folder.iterdir() if path.name != "talk one.mp4"
    )
    return folder


def test_every_format_lies_beside_the_recording_under_its_name(folder: Path) -> None:
    suffixes = [suffix for made in FORMATS.values() for suffix in made.suffixes]
    assert {path.name for path in folder.iterdir()} == {
        "talk one.mp4", *(f"talk one{suffix}" for suffix in suffixes)}  # fmt: skip
    assert (folder / "talk one.mp4").read_bytes() == CLIP.read_bytes()


def test_tables_subtitles_and_video_say_what_the_demo_plays(folder: Path) -> None:
    with (folder / "talk one.utterances.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == LABELS
    assert {row["file"] for row in rows} == {"talk one.mp4"}
    with (folder / "talk one.faces.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 450
    subtitles = (folder / "talk one.srt").read_text()
    assert [label for label in LABELS if label in subtitles] == LABELS
    with av.open(str(folder / "talk one.emotions.mp4")) as container:
        assert container.streams.video[0].frames == 450


def export(path: Path, to: str, out: Path | None = None, *, force: bool = False) -> None:
    export_recording(path, to, out, Settings(), force=force)


def plot(path: Path, out: Path | None = None, width: str = "page", *, force: bool = False) -> None:
    plot_recording(path, out, Settings(), width=width, force=force)


def test_nothing_is_replaced_unless_it_is_asked_for(tmp_path: Path) -> None:
    """An annotation may have been worked on; nothing is labelled before that is known."""
    clip = make_clip(tmp_path / "a.mp4", pictures_ms=[0, 40], sound_s=0.2)
    (tmp_path / "a.eaf").write_text("my work")
    run = emofuse("export", clip, "--to", "vtt,eaf", demo=False)
    assert run.returncode == 2
    why = f"{tmp_path / 'a.eaf'} exists; replace it with --force, or give --out"
    assert run.stderr == f"emofuse: {why}\n"
    assert not (tmp_path / "a.vtt").exists()
    assert (tmp_path / "a.eaf").read_text() == "my work"
    export(clip, "vtt,eaf", force=True)
    assert "ANNOTATION_DOCUMENT" in (tmp_path / "a.eaf").read_text()


@pytest.mark.parametrize(
    ("mistake", "why"),
    [
        (lambda: export(Path("a.mp4"), "doc"), "no format 'doc'; there are vtt, srt, textgrid"),
        (lambda: export(Path("a.mp4"), ","), "--to names no format; there are vtt"),
        (lambda: export(Path("none.mp4"), "vtt"), "no media file none.mp4"),
        (lambda: export(Path("empty"), "vtt"), "empty holds no session.json"),
        (lambda: export(Path("a.mp4"), "vtt", Path("a.mp4/x")), "a.mp4/x/a.vtt cannot be written"),
        (lambda: plot(Path("a.mp4"), Path("a.mp4")), "ends in none of .pdf, .svg, .png"),
        (lambda: plot(Path("b.png"), Path("b.png"), force=True), "b.png is the recording itself"),
        (lambda: plot(Path("a.mp4"), width="poster"), "no width 'poster'; there are page and"),
    ],
)
def test_mistakes_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[], None], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    make_clip(tmp_path / "a.mp4", pictures_ms=[0, 40], sound_s=0.2)
    shutil.copy(tmp_path / "a.mp4", tmp_path / "b.png")
    with pytest.raises(UserError) as refusal:
        mistake()
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "b.png", "empty"}


def test_a_video_of_mere_sound_is_refused_and_the_rest_is_written(tmp_path: Path) -> None:
    voice = make_clip(tmp_path / "voice.wav", video=None, audio="pcm_s16le")
    with pytest.raises(UserError, match="has no pictures"):
        export(voice, "video,vtt", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["voice.vtt"]


def test_a_plot_is_drawn_where_it_is_asked_for(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pictures_ms=range(0, 400, 40))
    run = emofuse("plot", clip, "--width", "column", demo=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"{tmp_path / 'a.pdf'}\n"
    assert not run.stderr
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    plot(clip, tmp_path / "new" / "b.png")
    assert (tmp_path / "new" / "b.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_clip(tmp_path / "whole.mkv", pictures_ms=range(0, 4000, 40), sound_s=4.0)
    data = (tmp_path / "whole.mkv").read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) // 2])
    export(cut, "srt")
    assert f"emofuse: {cut}: it " in capsys.readouterr().err


def test_a_session_says_what_the_file_says_shifted_to_its_own_time(tmp_path: Path) -> None:
    """Recorded from the demo and exported: the same labels, pictures and sound."""
    session = tmp_path / "session"
    run = emofuse("--speed", "max", "--display", "none", "--record", session)
    assert run.returncode == 0, run.stderr
    run = emofuse("export", session, "--to", "csv,textgrid,video", demo=False)
    assert run.returncode == 0, run.stderr
    assert not run.stderr
    with (tmp_path / "session.utterances.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == LABELS
    begin_s = float(rows[0]["start_s"]) - float(rows[0]["id"].rpartition("-")[2]) / 1e9
    assert begin_s >= 0
    for row, true in zip(rows, load_truth().utterances, strict=True):
        assert abs(float(row["start_s"]) - begin_s - true.onset_s) < 0.15
    grid = (tmp_path / "session.TextGrid").read_text()
    assert [label for label in LABELS if f'text = "{label}"' in grid] == LABELS
    with av.open(str(tmp_path / "session.emotions.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
        assert container.streams.audio
    assert len(times) >= 450
    assert times[0] == pytest.approx(begin_s, abs=0.001)
    assert json.loads((session / "manifest.json").read_text())


def test_formats_come_in_one_order_and_once() -> None:
    assert formats_of("video, EAF,vtt,vtt") == ["vtt", "eaf", "video"]


def test_a_session_named_by_a_dot_lends_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "monday.1").mkdir()
    monkeypatch.chdir(tmp_path / "monday.1")
    (path,) = outputs(Path(), ["vtt"], None)["vtt"]
    assert path == tmp_path / "monday.1.vtt"


def test_all_that_is_made_of_a_dot_lies_beside_the_session_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(tmp_path / "monday.1", [marker("begin")]).path
    monkeypatch.chdir(session)
    export(Path(), "vtt")
    assert "utterances in monday.1." in (tmp_path / "monday.1.vtt").read_text()
    plot(Path(), tmp_path / "x.svg")
    assert ">monday.1<" in (tmp_path / "x.svg").read_text()
    plot(Path())
    (session / "below").mkdir()
    monkeypatch.chdir(session / "below")
    with pytest.raises(UserError, match=r"monday\.1\.pdf exists"):
        plot(Path(".."))


def test_names_that_are_no_text_are_exported_and_drawn(tmp_path: Path) -> None:
    """A line end, and a byte that is not UTF-8."""
    name = os.fsdecode(b"caf\xe9\n.mp4")
    clip = make_clip(tmp_path / "a.mp4", pictures_ms=[0, 40], sound_s=0.2).rename(tmp_path / name)
    export(clip, ",".join(FORMATS))
    plot(clip, tmp_path / "plot.svg")
    made = replace(recording(film(["sad"])), path=clip)
    export_made(made, "csv", (tmp_path / "u.csv", tmp_path / "f.csv"))
    assert r'"caf\udce9\n.mp4","camera"' in (tmp_path / "f.csv").read_text()
    assert r">caf\udce9\n.mp4<" in (tmp_path / "plot.svg").read_text()
    assert r"caf\udce9\n.mp4." in (tmp_path / os.fsdecode(b"caf\xe9\n.vtt")).read_text()


def test_a_missing_library_names_what_brings_it() -> None:
    with pytest.raises(UserError, match=r"pip install 'emofuse\[lab\]'"):
        require("no_such_library", "the format x")


def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.vtt").write_text("before")
    with suppress(KeyError), whole_file(tmp_path / "x.vtt") as draft:
        draft.write_text("half")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["x.vtt"]
    assert (tmp_path / "x.vtt").read_text() == "before"
