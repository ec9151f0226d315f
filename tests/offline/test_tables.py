"""Rows become Parquet and CSV that say the same."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from messaging.schema import Face, FaceEmotions, Stamp, UtteranceEmotion
from offline import tables
from offline.output import whole_file
from offline.rows import COLUMNS, FACE_COLUMNS, UTTERANCE_COLUMNS, Row, face_rows, utterance_row
from offline.tables import OutputError, merge, parquet_table, read_table

EVEN = (1 / 3, 0.1, 0.2, 0.1, 0.1, 0.1, 1e-9)


def faces(count: int, start: int = 0) -> Iterable[Row]:
    for index in range(start, start + count):
        face = Face(index % 7, (0.1 * index, 2.5, 100 / 3, 1e-7), 0.9, EVEN)
        message = FaceEmotions(Stamp(index * 40_000_000 + 1, "clock"), "cam", index, faces=(face,))
        yield from face_rows("part", message, 0)


def utterances() -> Iterable[Row]:
    """With a label, without one, and one whose end nobody knows."""
    found = UtteranceEmotion(
        "mic-5",
        "mic",
        Stamp(5, "clock"),
        Stamp(10_000_000_001, "clock"),
        "matched",
        label="angry",
        probabilities=EVEN,
        camera="NA",
        picture=Stamp(7, "clock"),
        dt_ns=-3_000_001,
        track=3,
        settled=True,
        final=True,
        alignment_bound_ns=None,
    )
    none = UtteranceEmotion("mic-6", "mic", Stamp(6, "clock"), Stamp(9, "clock"), "no_face")
    cut = UtteranceEmotion("mic-7", "mic", Stamp(7, "clock"), None, "late", final=True)
    return [utterance_row("part", result, 0) for result in (found, none, cut)]


def write(path: Path, kind: str, rows: Iterable[Row]) -> Path:
    with parquet_table(path, COLUMNS[kind]) as add:
        for row in rows:
            add([row])
    return path


def merged(folder: Path, kind: str, parts: list[tuple[str, Path]]) -> tuple[Path, Path]:
    parquet, csv = folder / f"{kind}.parquet", folder / f"{kind}.csv"
    with whole_file(parquet) as draft, whole_file(csv) as csv_draft:
        merge(parts, COLUMNS[kind], {parquet: draft, csv: csv_draft})
    return parquet, csv


def test_csv_and_parquet_say_the_same_to_the_last_digit(tmp_path: Path) -> None:
    for kind, rows in (("faces", faces(10)), ("utterances", utterances())):
        part = write(tmp_path / "part.parquet", kind, rows)
        parquet, csv = merged(tmp_path, kind, [("one", part), ('NA, "two"', part)])
        table: Any = read_table(parquet)
        assert_frame_equal(table, read_table(csv))
        assert list(table["file"].unique()) == ["one", 'NA, "two"']


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    part = write(tmp_path / "part.parquet", "utterances", utterances())
    expected = list(utterances())
    table: Any = read_table(part)
    for row, read in zip(expected, table.to_dict("records"), strict=True):
        for name, value in row.items():
            assert (
                read[name] == value
                or (value is None and read[name] != read[name])
                or (value is None and str(read[name]) == "<NA>")
            ), name


def test_types_allow_for_what_is_missing(tmp_path: Path) -> None:
    part = write(tmp_path / "part.parquet", "utterances", utterances())
    for path in merged(tmp_path, "utterances", [("one", part)]):
        table: Any = read_table(path)
        types = table.dtypes
        assert types["track"] == "Int64"
        assert types["settled"] == "boolean"
        assert types["label"] == "string"
        assert types["dt_ms"] == "float64"


def test_a_table_without_rows_has_all_columns(tmp_path: Path) -> None:
    part = write(tmp_path / "part.parquet", "faces", [])
    for path in merged(tmp_path, "faces", [("one", part)]):
        table: Any = read_table(path)
        assert len(table) == 0
        assert list(table.columns) == [column.name for column in FACE_COLUMNS]


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_parquet_schema_says_what_each_column_means(tmp_path: Path, kind: str) -> None:
    pq: Any = import_module("pyarrow.parquet")
    part = write(tmp_path / "part.parquet", kind, [])
    parquet, _ = merged(tmp_path, kind, [("one", part)])
    fields = pq.read_schema(parquet)
    for column in COLUMNS[kind]:
        metadata = fields.field(column.name).metadata
        assert metadata[b"meaning"].decode() == column.meaning
        assert metadata[b"unit"].decode() == column.unit


def test_a_column_of_both_tables_has_one_type() -> None:
    kinds = {column.name: column.kind for column in FACE_COLUMNS}
    assert all(kinds.get(c.name, c.kind) == c.kind for c in UTTERANCE_COLUMNS)


def test_the_bytes_do_not_depend_on_how_the_rows_were_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "GROUP_ROWS", 100)
    monkeypatch.setattr(tables, "PART_ROWS", 30)
    whole = write(tmp_path / "whole.parquet", "faces", faces(450))
    first = write(tmp_path / "first.parquet", "faces", faces(120))
    second = write(tmp_path / "second.parquet", "faces", faces(330, start=120))
    one = merged(tmp_path / "one", "faces", [("f", whole)])
    two = merged(tmp_path / "two", "faces", [("f", first), ("f", second)])
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert len(read_table(one[0])) == 450


def test_a_table_that_breaks_off_is_not_there(tmp_path: Path) -> None:
    def broken() -> Iterable[Row]:
        yield from faces(5_000)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write(tmp_path / "part.parquet", "faces", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full takes no byte."""
    monkeypatch.setattr(tables, "PART_ROWS", 1)
    real = Path.open

    def full(path: Path, mode: str = "r") -> object:
        return real(Path("/dev/full") if mode == "wb" else path, mode)

    monkeypatch.setattr(Path, "open", full)
    path = tmp_path / "part.parquet"
    with (
        pytest.raises(OutputError, match=r"part\.parquet cannot be written \(No space left"),
        parquet_table(path, FACE_COLUMNS) as add,
    ):
        add(faces(100_000))
    assert not path.exists()
