"""The page that a recording is drawn on."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from messaging.schema import EMOTIONS, Emotion
from offline.plot import WIDTHS_IN, Width, save_plot
from offline.print_palette import PRINT_COLOURS
from offline.recording import Recording
from offline.series import Series, series_of
from tests.display.test_palette import SIMULATIONS, luminance, seen
from tests.offline.scenes import film, marked, recording, said
from tests.offline.scenes import seen as picture

DPI = 300


@pytest.mark.parametrize("vision", SIMULATIONS)
def test_any_two_printed_colours_differ_clearly_for_every_kind_of_colour_vision(
    vision: str,
) -> None:
    labs = {name: seen(colour, SIMULATIONS[vision]) for name, colour in PRINT_COLOURS.items()}
    for one, other in combinations(labs, 2):
        assert np.linalg.norm(labs[one] - labs[other]) > 10, (one, other)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_printed_colour_stands_out_from_paper(emotion: Emotion) -> None:
    assert 1.05 / (luminance(PRINT_COLOURS[emotion]) + 0.05) >= 2.5


def texts(path: Path) -> list[str]:
    """Of an SVG file, in which text stays text."""
    return ["".join(e.itertext()).strip() for e in ET.parse(path).iter() if e.tag.endswith("text")]


def drawn(series: Series, path: Path, width: Width = "page") -> list[str]:
    save_plot(series, "name of it", path, width)
    return texts(path)


def test_it_says_what_it_is_and_what_its_lines_mean(demo: Recording, tmp_path: Path) -> None:
    said_there = " ".join(drawn(series_of(demo), tmp_path / "x.svg"))
    for part in ("name of it", "18.0 s", "450 pictures", "4 utterances", "time (s)",
                 "running mean over 0.2 s", "Grey bands: speech", "(n = 4)"):  # fmt: skip
        assert part in said_there
    assert "Hatched" not in said_there
    for emotion in EMOTIONS:
        assert said_there.count(emotion) >= 2  # a row, and bars


def test_every_utterance_is_in_its_labels_colour_where_it_was_spoken(
    demo: Recording, tmp_path: Path
) -> None:
    """Looked up in the picture itself: along the row of the voice."""
    series = series_of(demo)
    save_plot(series, "x", tmp_path / "x.png")
    page = cast("np.ndarray", cv2.imread(str(tmp_path / "x.png")))
    (tier,) = series.utterances.values()
    found: list[tuple[Emotion, np.ndarray]] = []
    labels: list[Emotion] = [each.label for each in tier if each.label]
    for emotion in labels:
        is_there = _is_colour(page[95:130], PRINT_COLOURS[emotion]).all(axis=0)
        found.append((emotion, np.flatnonzero(is_there)))
    left, right = DPI * 0.6, page.shape[1] - DPI * 0.16
    per_second = (right - left) / series.duration_s
    assert len(found) == len(tier)
    for label, columns in found:
        each = next(u for u in tier if u.label == label)
        begin, end = each.onset.pipeline_ns / 1e9, (each.offset or each.onset).pipeline_ns / 1e9
        assert columns.min() == pytest.approx(left + begin * per_second, abs=3)
        assert columns.max() == pytest.approx(left + end * per_second, abs=3)


def _is_colour(region: np.ndarray, hexadecimal: str) -> np.ndarray:
    bgr = np.array(list(bytes.fromhex(hexadecimal[1:]))[::-1])
    is_it = np.abs(region.astype(int) - bgr).max(axis=2) < 8
    return is_it[:3]  # above the label's text


@pytest.mark.parametrize("width", ["page", "column"])
@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_each_format_has_the_width_that_was_asked_for(
    tmp_path: Path, width: Width, suffix: str
) -> None:
    path = tmp_path / f"x{suffix}"
    save_plot(series_of(recording(film(["sad"] * 50))), "x", path, width)
    if suffix == ".pdf":
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", path.read_bytes())
        assert box
        inches = float(box[1]) / 72
    elif suffix == ".png":
        inches = cast("np.ndarray", cv2.imread(str(path))).shape[1] / DPI
    else:
        inches = float(ET.parse(path).getroot().attrib["width"].removesuffix("pt")) / 72
    assert inches == pytest.approx(WIDTHS_IN[width], abs=0.01)


def test_the_same_recording_gives_the_same_file(tmp_path: Path) -> None:
    series = series_of(recording([*film(["sad", "fear"]), said(0, 50)]))
    for suffix in (".svg", ".pdf"):
        one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
        save_plot(series, "x", one)
        save_plot(series, "x", other)
        assert one.read_bytes() == other.read_bytes()


def test_cameras_microphones_tracks_gaps_and_markers_are_told_apart(tmp_path: Path) -> None:
    results = [
        *film(["happy"] * 100, "left", track=1),
        *film(["sad"] * 100, "left", start_ms=6000, track=2),
        *film(["fear"] * 250, "right"),
        said(0, 3000, source="headset"),
        said(3000, 4000, None, source="table"),
        marked(2000, "stimulus"),
    ]
    found = drawn(series_of(recording(results)), tmp_path / "x.svg")
    for part in ("left", "right", "#1", "#2", "#0", "headset", "table", "stimulus"):
        assert part in found
    assert any("Hatched: no pictures." in text for text in found)
    assert any("2 utterances, 1 without a label" in text for text in found)


def test_no_name_or_marker_is_taken_for_a_formula(tmp_path: Path) -> None:
    results = [
        *film(["sad"] * 100, "$left_$", track=1),
        *film(["sad"] * 100, "$right^$", track=1),
        said(0, 3000, source="$one_$"),
        said(3000, 4000, source="$two_$"),
        marked(2000, "$5 to $10"),
    ]
    save_plot(series_of(recording(results)), r"$a_$ \$", tmp_path / "x.svg")
    found = texts(tmp_path / "x.svg")
    for text in ("$left_$", "$right^$", "$one_$", "$two_$", "$5 to $10", r"$a_$ \$"):
        assert text in found


def test_faces_that_were_hardly_seen_are_told_of(tmp_path: Path) -> None:
    results = film(["happy"] * 300)
    results[10] = replace(results[10], faces=(*results[10].faces, *film(["sad"], track=9)[0].faces))
    found = " ".join(drawn(series_of(recording(results)), tmp_path / "x.svg"))
    assert "Not drawn: 1 more track, seen for 0.0 s in all." in found


@pytest.mark.parametrize("width", ["page", "column"])
def test_an_empty_recording_is_a_page_too(tmp_path: Path, width: Width) -> None:
    assert "no face" in drawn(series_of(recording([])), tmp_path / "x.svg", width)


def test_hours_are_told_in_hours_and_smoothed_more(tmp_path: Path) -> None:
    far = 2 * 3_600_000.0
    results = [*film(["sad"] * 3), picture(200, event="gap"), *film(["sad"] * 3, start_ms=far)]
    found = drawn(series_of(recording(results)), tmp_path / "x.svg")
    assert "time (h:min:s)" in found
    assert "2:00:00" in found
    assert any("running mean over 30 s" in text for text in found)
