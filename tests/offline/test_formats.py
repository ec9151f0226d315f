"""Each annotation format, read by a program that did not write it."""

import os
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
import pympi
import pytest

from display.palette import EMOTION_COLOURS
from messaging.schema import EMOTIONS
from offline.annotations import Annotations, annotations_of
from offline.eaf import write_eaf
from offline.recording import Recording
from offline.subtitles import srt, webvtt
from offline.textgrid import write_textgrid
from tests.offline.scenes import face, film, marked, recording, said, seen

HARD = [
    *film(["happy", "happy", None, "sad"]),
    *film(["fear"] * 3, source="left & right", track=4),
    said(20.4, 900.6),
    said(900.6, 950, None),
    said(3_600_000, 3_600_001.4, "neutral"),
    said(30, 500, "angry", source='the "table" <1>'),
    marked(100, 'say "hi" & <b>'),
    marked(101, "--> two"),
]
"""Neighbours, quotes and markup, an hour, two microphones."""

Cue = tuple[float, float, str]


@pytest.fixture(params=["demo", "hard", "empty"])
def annotations(request: pytest.FixtureRequest, demo: Recording) -> Annotations:
    kinds = {"demo": demo, "hard": recording(HARD), "empty": recording([])}
    return annotations_of(kinds[request.param])


def spoken(annotations: Annotations) -> list[tuple[int, int]]:
    tiers = annotations.utterances.values()
    return sorted((each.start_ms, each.end_ms) for tier in tiers for each in tier)


def demuxed(path: Path) -> list[tuple[int, int, str]]:
    """What FFmpeg reads: begin and end in ms, text."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        unit = float(stream.time_base or 0) * 1000
        packets: list[Any] = [p for p in container.demux(stream) if p.pts is not None]
        return [
            (round(p.pts * unit), round((p.pts + p.duration) * unit), bytes(p).decode())
            for p in packets
        ]


def vtt_called_so(annotations: Annotations) -> str:
    return webvtt(annotations, "name -->")


@pytest.mark.parametrize(("suffix", "write"), [(".vtt", vtt_called_so), (".srt", srt)])
def test_ffmpeg_reads_every_cue_at_its_time(
    annotations: Annotations, tmp_path: Path, suffix: str, write: Callable[[Annotations], str]
) -> None:
    path = tmp_path / f"subtitles{suffix}"
    path.write_text(write(annotations), encoding="utf-8")
    if not spoken(annotations):
        # an SRT file without a cue is an empty one, which FFmpeg cannot tell from any other
        assert path.read_text().startswith("WEBVTT\n") or not path.read_text()
        return
    cues = demuxed(path)
    assert [(begin, end) for begin, end, _ in cues] == spoken(annotations)
    tiers = annotations.utterances.values()
    captions = sorted(each.caption for tier in tiers for each in tier)
    texts = sorted(re.sub(r"<[^>]*>|^.*?: (?=<font|\()", "", text) for _, _, text in cues)
    assert texts == captions


def test_webvtt_has_a_style_an_id_and_a_class_for_each_label() -> None:
    text = webvtt(annotations_of(recording([said(0, 500), said(600, 700, None)])), "x\n\ny--->")
    header, note, style, *cues = text.strip().split("\n\n")
    assert header == "WEBVTT"
    assert note.startswith("NOTE")
    assert "-->" not in note
    for emotion, colour in EMOTION_COLOURS.items():
        assert f"::cue(.{emotion}) {{ color: {colour}; }}" in style
    assert cues == [
        "microphone-0\n00:00:00.000 --> 00:00:00.500\n<c.happy>happy 76%</c>",
        "microphone-600\n00:00:00.600 --> 00:00:00.700\n(no face)",
    ]


def test_several_microphones_are_named_in_the_cues() -> None:
    both = annotations_of(recording([said(0, 500), said(100, 400, "sad", source="a&b")]))
    assert "<v a&amp;b><c.sad>" in webvtt(both, "x")
    assert 'a&b: <font color="#56B4E9">sad 76%</font>' in srt(both)


class Grid:
    """A TextGrid in Praat's long form, read by its words: a number or a text after each ``=``."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
        self.tiers: dict[str, list[tuple[Any, ...]]] = {}
        head, *items = re.split(r"item \[\d+\]:", text)
        self.end_s = float(self._values(head, "xmax")[0])
        assert int(self._values(head, "size")[0]) == len(items)
        for item in items:
            name = self._values(item, "name")[0]
            parts = re.split(r"(?:intervals|points) \[\d+\]:", item)
            assert int(self._values(parts[0], "size")[0]) == len(parts) - 1
            self.tiers[name] = [self._entry(part) for part in parts[1:]]

    def _entry(self, part: str) -> tuple[Any, ...]:
        if times := self._values(part, "number"):
            return float(times[0]), self._values(part, "mark")[0]
        begin, end = (float(self._values(part, name)[0]) for name in ("xmin", "xmax"))
        return begin, end, self._values(part, "text")[0]

    @staticmethod
    def _values(text: str, name: str) -> list[str]:
        found = re.findall(rf'\b{name} = (?:"((?:[^"]|"")*)"|([-\d.e]+))', text)
        return [quoted.replace('""', '"') or number for quoted, number in found]


def test_praat_reads_tiers_that_fill_the_time_line(
    annotations: Annotations, tmp_path: Path
) -> None:
    path = tmp_path / "x.TextGrid"
    write_textgrid(annotations, path)
    grid = Grid(path)
    assert grid.end_s == annotations.end_ms / 1000
    markers = grid.tiers.pop("markers")
    assert markers == [(note.at_ms / 1000, note.text) for note in annotations.notes]
    assert list(grid.tiers) == list(annotations.intervals())
    for name, tier in annotations.intervals().items():
        read = cast("list[Cue]", grid.tiers[name])
        assert read[0][0] == 0
        assert read[-1][1] == grid.end_s
        assert all(one[1] == other[0] for one, other in pairwise(read))
        labelled = [each for each in read if each[2]]
        assert labelled == [(i.start_ms / 1000, i.end_ms / 1000, i.label) for i in tier]


def test_another_library_reads_the_textgrid_too(demo: Recording, tmp_path: Path) -> None:
    annotations, path = annotations_of(demo), tmp_path / "x.TextGrid"
    write_textgrid(annotations, path)
    grid: Any = cast("Any", pympi).Praat.TextGrid(str(path))
    for name, tier in annotations.intervals().items():
        read = [each for each in grid.get_tier(name).get_all_intervals() if each[2]]
        assert read == [(i.start_ms / 1000, i.end_ms / 1000, i.label) for i in tier]


def eaf(annotations: Annotations, path: Path, media: Path | None = None) -> ET.Element:
    write_eaf(annotations, media, path)
    return ET.parse(path).getroot()


def test_elan_gets_the_order_the_references_and_the_vocabulary_it_requires(
    annotations: Annotations, tmp_path: Path
) -> None:
    """As its schema has it: EAFv2.8.xsd, of The Language Archive."""
    root = eaf(annotations, tmp_path / "x.eaf")
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert {"AUTHOR", "DATE", "VERSION", "FORMAT"} <= set(root.attrib)
    order = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LANGUAGE", "CONSTRAINT",
             "CONTROLLED_VOCABULARY"]  # fmt: skip
    places = [order.index(child.tag) for child in root]
    assert places == sorted(places)
    header = root.find("HEADER")
    assert header is not None
    assert header.get("TIME_UNITS") == "milliseconds"
    slots = [
        (s.attrib["TIME_SLOT_ID"], int(s.attrib["TIME_VALUE"])) for s in root.iter("TIME_SLOT")
    ]
    assert [at for _, at in slots] == sorted(at for _, at in slots)
    times = dict(slots)
    assert len(times) == len(slots)
    types = {t.attrib["LINGUISTIC_TYPE_ID"]: t for t in root.iter("LINGUISTIC_TYPE")}
    ids = [a.attrib["ANNOTATION_ID"] for a in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(ids) == len(set(ids))
    used = int(header.findtext("PROPERTY[@NAME='lastUsedAnnotation']", "-1"))
    assert all(int(each.removeprefix("a")) <= used for each in ids)
    languages = {each.attrib["LANG_ID"] for each in root.iter("LANGUAGE")}
    values = [each.text for each in root.iter("CVE_VALUE")]
    assert values[: len(EMOTIONS)] == list(EMOTIONS)
    assert {each.attrib["LANG_REF"] for each in root.iter("CVE_VALUE")} <= languages
    tiers = annotations.intervals()
    for tier in root.iter("TIER"):
        kind = types[tier.attrib["LINGUISTIC_TYPE_REF"]]
        read = [
            (times[a.attrib["TIME_SLOT_REF1"]], times[a.attrib["TIME_SLOT_REF2"]],
             a.findtext("ANNOTATION_VALUE"))
            for a in tier.iter("ALIGNABLE_ANNOTATION")
        ]  # fmt: skip
        assert all(one[1] <= other[0] for one, other in pairwise(read))
        if tier.attrib["TIER_ID"] == "markers":
            assert [(r[0], r[2]) for r in read] == [(n.at_ms, n.text) for n in annotations.notes]
            continue
        expected = tiers.pop(tier.attrib["TIER_ID"])
        assert read == [(i.start_ms, i.end_ms, i.label) for i in expected]
        assert kind.attrib["CONTROLLED_VOCABULARY_REF"] == "emotions"
        assert {value for _, _, value in read} <= set(values)
    assert not tiers


def test_elan_files_are_read_again_by_the_library(annotations: Annotations, tmp_path: Path) -> None:
    write_eaf(annotations, None, tmp_path / "x.eaf")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document: Any = cast("Any", pympi).Elan.Eaf(str(tmp_path / "x.eaf"))
    for name, tier in annotations.intervals().items():
        read = sorted(document.get_annotation_data_for_tier(name))
        assert read == [(i.start_ms, i.end_ms, i.label) for i in tier]


def test_elan_finds_the_media_file_also_where_folders_moved(tmp_path: Path) -> None:
    annotations = annotations_of(recording([seen(0, face("sad"))]))
    media = tmp_path / "films" / "a b.mp4"
    media.parent.mkdir()
    (tmp_path / "out").mkdir()
    root = eaf(annotations, tmp_path / "out" / "x.eaf", media)
    linked = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert linked is not None
    assert linked.get("MEDIA_URL") == f"file://{media.as_posix()}"
    assert linked.get("RELATIVE_MEDIA_URL") == "./../films/a b.mp4"
    assert linked.get("MIME_TYPE") == "video/mp4"


def test_elan_finds_a_media_file_whose_name_is_no_text(tmp_path: Path) -> None:
    """A line end, a control character, and a byte that is not UTF-8."""
    name = os.fsdecode(b"a b\n\x01\xe9.mp4")
    media = tmp_path / name
    root = eaf(annotations_of(recording([])), tmp_path / "x.eaf", media)
    linked = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert linked is not None
    assert linked.attrib["MEDIA_URL"].endswith("/a%20b%0A%01%E9.mp4")
    assert linked.get("RELATIVE_MEDIA_URL") == "./a%20b%0A%01%E9.mp4"


def test_elan_reads_odd_spaces_as_they_are(tmp_path: Path) -> None:
    """As macOS puts one into the names of screen recordings."""
    media = tmp_path / "9.41\u202fAM\u00a0x.mp4"
    root = eaf(annotations_of(recording([])), tmp_path / "x.eaf", media)
    linked = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert linked is not None
    assert linked.attrib["MEDIA_URL"].endswith("/9.41\u202fAM\u00a0x.mp4")
    assert linked.get("RELATIVE_MEDIA_URL") == "./9.41\u202fAM\u00a0x.mp4"
