"""Rows as Parquet and CSV files, written as a stream, and read again into pandas.

Both hold the same values: a CSV's numbers have as many digits as tell them apart. Memory does not
grow with a table's length.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from messaging.errors import UserError
from offline.output import require, whole_file
from offline.rows import COLUMNS, Column, Row

if TYPE_CHECKING:
    from pandas import DataFrame

PART_ROWS = 4_096
"""Rows that are held back until they are written."""
GROUP_ROWS = 65_536
"""Of a row group in a merged table: whatever parts it is made of, the bytes are the same."""


class OutputError(UserError):
    """Where tables go to takes nothing more: no other file would fare better."""


def require_pyarrow() -> None:
    """Raises ``UserError`` where it is not installed; names the extra that brings it."""
    require("pyarrow", "a table")


def schema(columns: Sequence[Column]) -> Any:
    """Arrow's, with each column's unit and meaning as the field's metadata."""
    pa: Any = require("pyarrow", "a table")
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
    }
    return pa.schema(
        [
            pa.field(
                column.name,
                types[column.kind],
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in columns
        ]
    )


@contextmanager
def parquet_table(
    path: Path, columns: Sequence[Column]
) -> Generator[Callable[[Iterable[Row]], None]]:
    """Gives what takes rows. The file appears when the block is left, and only where all went well.

    Raises:
        OutputError: it cannot be written.
    """
    pa: Any = require("pyarrow", "a table")
    rows: list[Row] = []
    with whole_file(path) as draft, _parquet(draft, path, columns) as sink:

        def write(more: Iterable[Row]) -> None:
            rows.extend(more)
            if len(rows) >= PART_ROWS:
                flush()

        def flush() -> None:
            if rows:
                sink.write(pa.Table.from_pylist(rows, schema=schema(columns)))
                rows.clear()

        yield write
        flush()


def merge(
    parts: Sequence[tuple[str, Path]], columns: Sequence[Column], drafts: Mapping[Path, Path]
) -> None:
    """One table of many Parquet files, in that order; the first column holds each one's name.

    It is written to each of ``drafts``, which are named after the files that they are to become:
    those end in ``.parquet`` or ``.csv``.

    Raises:
        OutputError: one cannot be written.
    """
    with ExitStack() as stack:
        sinks = [
            stack.enter_context((_csv if path.suffix == ".csv" else _parquet)(draft, path, columns))
            for path, draft in drafts.items()
        ]
        for group in _groups(_named_tables(parts, columns)):
            for sink in sinks:
                sink.write(group)


def read_table(path: Path) -> "DataFrame":
    """A table that was written here, ``.parquet`` or ``.csv``, with the right type of each column.

    Raises:
        UserError: pandas is not installed.
    """
    pd: Any = require("pandas", "reading a table")
    pa: Any = require("pyarrow", "reading a table")
    of = {
        pa.string(): pd.StringDtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    table = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
    return table.to_pandas(types_mapper=of.get)


def _read_parquet(path: Path) -> Any:
    pq: Any = require("pyarrow.parquet", "reading a table")
    return pq.read_table(path)


def _read_csv(path: Path) -> Any:
    """By pyarrow: pandas may round a number's last digit."""
    pc: Any = require("pyarrow.csv", "reading a table")
    known = {column.name: column for columns in COLUMNS.values() for column in columns}
    types = {field.name: field.type for field in schema([*known.values()])}
    return pc.read_csv(
        path,
        convert_options=pc.ConvertOptions(
            column_types=types,
            null_values=[""],  # a file may be called NA
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _named_tables(parts: Iterable[tuple[str, Path]], columns: Sequence[Column]) -> Iterator[Any]:
    pa: Any = require("pyarrow", "a table")
    pq: Any = require("pyarrow.parquet", "a table")
    whole = schema(columns)
    for name, part in parts:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(batch_size=PART_ROWS):
                names = pa.repeat(pa.scalar(name, pa.string()), len(batch))
                yield pa.Table.from_arrays([names, *batch.columns[1:]], schema=whole)


def _groups(tables: Iterable[Any]) -> Iterator[Any]:
    """The same rows, ``GROUP_ROWS`` at a time, but for the last ones."""
    pa: Any = require("pyarrow", "a table")
    held: list[Any] = []
    count = 0
    for table in tables:
        held.append(table)
        count += len(table)
        while count >= GROUP_ROWS:
            joined = pa.concat_tables(held)
            yield joined.slice(0, GROUP_ROWS)
            held = [joined.slice(GROUP_ROWS)]
            count -= GROUP_ROWS
    if count:
        yield pa.concat_tables(held)


class _Sink:
    """A file that pyarrow writes; its own errors are ``OutputError``, other people's go through."""

    def __init__(self, draft: Path, path: Path, make: Callable[[BinaryIO], Any]) -> None:
        self._path = path
        with self._output():
            self._file = draft.open("wb")
            self._writer = make(self._file)

    def write(self, table: Any) -> None:
        with self._output():
            self._writer.write_table(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with self._output(), self._file:
                self._writer.close()
        except OutputError:
            if kind is None:
                raise  # else it is the same once more

    @contextmanager
    def _output(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self._path} cannot be written ({error.strerror or error}); free some space, or "
                "name another folder with --out"
            ) from error


def _parquet(draft: Path, path: Path, columns: Sequence[Column]) -> _Sink:
    pq: Any = require("pyarrow.parquet", "a table")
    return _Sink(
        draft, path, lambda file: pq.ParquetWriter(file, schema(columns), compression="zstd")
    )


def _csv(draft: Path, path: Path, columns: Sequence[Column]) -> _Sink:
    pc: Any = require("pyarrow.csv", "a table")
    return _Sink(draft, path, lambda file: pc.CSVWriter(file, schema(columns)))
