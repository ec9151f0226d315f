"""The data dictionary of the tables: ``python -m offline.dictionary > docs/tables.md``."""

from collections.abc import Iterator

from offline.rows import COLUMNS, Column

HEAD = """# The tables

`emofuse label` writes two tables, each as Parquet and as CSV with the same values:

| table | a row for |
|---|---|
| `utterances` | each utterance |
| `faces` | each face in each picture that was analysed |

Times count from the start of the file or session. In Parquet each field carries its unit and
meaning as metadata, and what is missing is null; in CSV it is an empty field. Boxes are in pixels
of the picture as it is shown, upright and its pixels square, and may reach beyond its edges.

`DIR/parts/utterances` and `DIR/parts/faces` are the same rows as partitioned Parquet, a file for
each media file or session: `pandas.read_parquet("DIR/parts/faces")` and `pyarrow.dataset.dataset`
read each as one data set. They hold all that was ever labelled into `DIR`, also with other
settings, and `file` is the name as it was given then; the tables hold the files of the last run.

This page is made from the columns:
`python -m offline.dictionary > docs/tables.md`.
"""

KINDS = {
    "text": "text",
    "integer": "integer (64 bit)",
    "number": "number (64 bit)",
    "truth": "true or false",
}


def markdown() -> str:
    """A section and a table for each of the tables."""
    return "\n".join([HEAD, *(line for name in COLUMNS for line in _section(name))])


def _section(name: str) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| column | type | unit | meaning |\n|---|---|---|---|"
    for column in COLUMNS[name]:
        yield _line(column)
    yield ""


def _line(column: Column) -> str:
    unit = column.unit or "-"
    return f"| `{column.name}` | {KINDS[column.kind]} | {unit} | {column.meaning} |"


if __name__ == "__main__":
    print(markdown(), end="")
