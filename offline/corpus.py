"""Many files labelled in parallel, and their rows as two tables.

    DIR/parts/*.json                 a finished file each: a run that was stopped goes on from there
    DIR/parts/KIND/*.parquet         its rows
    DIR/utterances.parquet, .csv     all files, in the order given
    DIR/faces.parquet, .csv

The tables' bytes depend on the files and the settings alone: not on the number of processes, nor on
how often the run was stopped.
"""

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from capture.media_path import printable
from config.settings import Settings
from inference import weights
from messaging.errors import UserError
from offline.inputs import Input
from offline.output import drafted, whole_file
from offline.part import PartResult, finished, key_of, label_file, tables_of
from offline.pool import Done, Failed, Going, Pool, Workers
from offline.rate import check_fps
from offline.rows import COLUMNS
from offline.tables import OutputError, merge, require_pyarrow

PARTS = "parts"
SUFFIXES = (".parquet", ".csv")
UNLOCKED = "no file can be locked in {}: make sure that one run at a time labels into it"
ARRIVE_S = 60.0
"""What another machine wrote into a shared folder may be seen here as late as this."""

Engine = Callable[[int], AbstractContextManager[Workers]]
"""Opens workers for so many files at a time."""


def local(size: int) -> Pool:
    """Workers that are processes of this machine."""
    return Pool(size, "emofuse label")


@dataclass(frozen=True, slots=True)
class Progress:
    """Of the files that this run has to label, in seconds of them."""

    done_s: float
    total_s: float
    files: int
    """That are finished, of all."""


@dataclass(frozen=True, slots=True)
class Failure:
    name: str
    reason: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each file, in the order given."""

    files: tuple[PartResult | Failure, ...]
    kept: int
    """Files that a former run had finished."""
    notes: tuple[str, ...] = ()
    """What is wrong with none of them alone."""

    @property
    def failures(self) -> list[Failure]:
        return [file for file in self.files if isinstance(file, Failure)]

    @property
    def results(self) -> list[PartResult]:
        return [file for file in self.files if isinstance(file, PartResult)]


def label_corpus(
    inputs: Sequence[Input],
    out: Path,
    settings: Settings,
    fps: float | None,
    jobs: int,
    watch: Callable[[Progress], None],
    engine: Engine = local,
) -> Report:
    """Label what is not labelled yet, then write the tables. A file that fails stops no other.

    Raises:
        UserError: nothing can be done at all: no tables can be written there, weights are damaged,
            a network of the user's does not fit its description.
    """
    check_fps(fps)
    require_pyarrow()
    for name in weights.origins():
        weights.checked(name)
    parts = out / PARTS
    with held(parts) as is_locked:
        corpus = _Corpus(inputs, watch)
        kept = corpus.look_up(parts, settings, fps)
        with engine(min(jobs, len(corpus.todo))) as workers:
            if corpus.todo and settings.inference.classifier.file is not None:
                _try_classifier(workers, settings)
            corpus.measure(workers)
            corpus.label(workers, parts, settings, fps)
        corpus.await_parts(parts)
        outcomes = tuple(corpus.outcomes[index] for index in range(len(inputs)))
        report = Report(outcomes, kept, () if is_locked else (UNLOCKED.format(printable(out)),))
        write_tables(report.results, parts, out)
        return report


def write_tables(results: Sequence[PartResult], parts: Path, out: Path) -> None:
    """Merge the parts, in that order. All tables appear at the end, so that they are of one run.

    Raises:
        OutputError: there is no space for them.
    """
    tables = [(result.name, tables_of(parts, result.key)) for result in results]
    with ExitStack() as stack:
        for kind, columns in COLUMNS.items():
            paths = [out / f"{kind}{suffix}" for suffix in SUFFIXES]
            drafts = {path: stack.enter_context(whole_file(path)) for path in paths}
            merge([(name, of[kind]) for name, of in tables], columns, drafts)


@contextmanager
def held(parts: Path) -> Generator[bool]:
    """The folder is there, ours alone, and holds no draft of a run that was killed.

    Gives whether that is certain: shared file systems such as Lustre may have no locks. Then
    nothing is swept, since another run may be at work on it.

    Raises:
        UserError: it cannot be made or written to, or another run is at work in it.
    """
    out, name = parts.parent, printable(parts.parent)
    try:
        if out.exists() and not out.is_dir():
            raise UserError(f"{name} is a file; name a folder with --out")
        parts.mkdir(parents=True, exist_ok=True)
        lock = (parts / ".lock").open("w")
    except OSError as error:
        raise UserError(
            f"{name} cannot be written ({error.strerror or error}); name another folder with --out"
        ) from error
    with lock:
        if not _lock(lock.fileno(), name):
            yield False
            return
        _sweep(out)
        try:
            yield True
        finally:
            _sweep(out)


def _lock(descriptor: int, out: str) -> bool:
    """Whether there are locks; on Windows we take none."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"another run is labelling into {out}; wait for it, or name another folder with --out"
        ) from None
    except OSError:
        return False
    return True


def _sweep(out: Path) -> None:
    """Drafts of our own files alone: ``out`` may hold the user's, too."""
    tables = [f"{kind}{suffix}" for kind in COLUMNS for suffix in SUFFIXES]
    for path in out.glob(".*"):
        if drafted(path) in tables:
            path.unlink(missing_ok=True)
    for path in (out / PARTS).rglob(".*"):
        if drafted(path).endswith((".parquet", ".json")):
            path.unlink(missing_ok=True)


class _Corpus:
    """Which files are done, which failed, and how far the others are."""

    def __init__(self, inputs: Sequence[Input], watch: Callable[[Progress], None]) -> None:
        self.inputs = inputs
        self.outcomes: dict[int, PartResult | Failure] = {}
        self._watch = watch
        self._lengths: dict[int, float] = {}
        self._reached: dict[int, float] = {}

    def look_up(self, parts: Path, settings: Settings, fps: float | None) -> int:
        """Take what a former run has finished; returns how many files that are."""
        for index, one in enumerate(self.inputs):
            try:
                done = finished(parts, key_of(one.path, settings, fps), one.name)
            except UserError as error:
                self.outcomes[index] = Failure(one.name, str(error))
            else:
                if done:
                    self.outcomes[index] = done
        return sum(isinstance(outcome, PartResult) for outcome in self.outcomes.values())

    @property
    def todo(self) -> list[int]:
        """The longest first: else one of them may be left alone on one core at the end."""
        left = [index for index in range(len(self.inputs)) if index not in self.outcomes]
        return sorted(left, key=lambda index: (-self._lengths.get(index, 0.0), index))

    def measure(self, workers: Workers) -> None:
        """How long each file is; what cannot be opened fails here already."""
        todo = self.todo
        for event in workers.run(_length, [(self.inputs[index].path,) for index in todo]):
            if isinstance(event, Done):
                self._lengths[todo[event.index]] = event.result
            elif isinstance(event, Failed):
                self._fail(todo[event.index], event)

    def label(self, workers: Workers, parts: Path, settings: Settings, fps: float | None) -> None:
        todo = self.todo
        files = [self.inputs[index] for index in todo]
        self._tell()
        for event in workers.run(
            label_file, [(one.path, one.name, parts, settings, fps) for one in files]
        ):
            index = todo[event.index]
            if isinstance(event, Going):
                self._reached[index] = event.at
            elif isinstance(event, Done):
                self.outcomes[index] = event.result
                self._reached[index] = self._lengths[index] = event.result.duration_s
            else:
                if isinstance(event.error, OutputError):
                    raise event.error
                self._fail(index, event)
            self._tell()

    def await_parts(self, parts: Path) -> None:
        """A part that is not there was written into another folder of the same name."""
        deadline = time.monotonic() + ARRIVE_S
        for index, outcome in self.outcomes.items():
            if isinstance(outcome, Failure):
                continue
            while not finished(parts, outcome.key, outcome.name):
                if time.monotonic() >= deadline:
                    why = f"its rows did not arrive in {parts}; name a folder that is shared"
                    self.outcomes[index] = Failure(outcome.name, why)
                    break
                time.sleep(0.2)

    def _fail(self, index: int, event: Failed) -> None:
        self.outcomes[index] = Failure(self.inputs[index].name, event.reason, event.details)
        self._lengths.pop(index, None)
        self._reached.pop(index, None)

    def _tell(self) -> None:
        total_s = sum(
            max(length, self._reached.get(index, 0.0)) for index, length in self._lengths.items()
        )
        self._watch(Progress(sum(self._reached.values()), total_s, len(self.outcomes)))


def _try_classifier(workers: Workers, settings: Settings) -> None:
    """Once for all files; in a worker, since its package may be a heavy one.

    Raises:
        UserError: it cannot be loaded, or does not fit its description.
    """
    for event in workers.run(_open_classifier, [(settings,)]):
        if isinstance(event, Failed):
            raise event.error or UserError(
                f"inference.classifier.file {settings.inference.classifier.file}: {event.reason}"
            )


def _open_classifier(settings: Settings, _watch: Callable[[float], None]) -> None:
    from inference.classifier import open_classifier

    open_classifier(settings.inference)


def _length(path: Path, _watch: Callable[[float], None]) -> float:
    from offline.results import stated_s  # see ``label_file``

    return stated_s(path)
