"""Label media files and sessions, and say what came out."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from capture.media_path import printable
from commands.stdio import tell
from commands.watch.columns import Column, fitted
from commands.watch.output import Output
from config.settings import Settings
from inference.network import network_of, never_on_gpu
from messaging.errors import UserError
from offline.corpus import Engine, Report, label_corpus, local
from offline.corpus import Progress as Reached
from offline.inputs import find_inputs
from offline.part import PartResult
from offline.ray_pool import Cluster, RayPool
from offline.rows import COLUMNS

FAILED = 1
"""Exit code where a file could not be labelled; the others were."""
TOP = 3
"""Labels that the summary names of each file."""


def label(
    given: Sequence[str],
    out: Path,
    settings: Settings,
    fps: float | None,
    jobs: int | None,
    cluster: Cluster | None = None,
) -> int:
    """Returns the exit code."""
    inputs = find_inputs(given)
    engine, most = _engine(cluster, jobs, len(inputs))
    console = Console(stderr=True)
    for note in network_of(settings.inference.classifier).notes:
        tell(f"emofuse: {note}")
    began, finished = time.monotonic(), 0
    with Progress(
        TextColumn("labelling"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[files]} files"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # it would write an empty line there
    ) as bar:
        task = bar.add_task("", total=None, files=f"0/{len(inputs)}")

        def show(reached: Reached) -> None:
            nonlocal finished
            finished = reached.files
            bar.update(
                task,
                completed=reached.done_s,
                total=reached.total_s,
                files=f"{reached.files}/{len(inputs)}",
            )

        try:
            report = label_corpus(inputs, out, settings, fps, most, show, engine)
        except SystemExit:
            bar.stop()
            tell(
                f"emofuse: stopped; {finished} of {len(inputs)} files are finished and kept, "
                "the same command goes on from there"
            )
            raise
    print_report(report, time.monotonic() - began, out, details=settings.log_level == "debug")
    return FAILED if report.failures else 0


def cluster_of(
    engine: str, address: str | None, gpus_per_file: float | None, settings: Settings
) -> Cluster | None:
    """None where files are labelled on this machine alone, without Ray.

    Raises:
        UserError: there is no such engine, or what belongs to Ray was given without it.
    """
    if engine == "ray":
        # Ray's own way to name a cluster; `ray job submit` sets it
        if gpus_per_file is None and never_on_gpu(settings.inference):
            gpus_per_file = 0.0
        cluster = Cluster(address or os.environ.get("RAY_ADDRESS", ""), gpus_per_file)
        cluster.check()
        return cluster
    if engine != "local":
        raise UserError(f"no engine {engine!r}; there are local, ray")
    for option, value in (("--address", address), ("--gpus-per-file", gpus_per_file)):
        if value is not None:
            raise UserError(f"{option} {value} is for a cluster: add --engine ray, or leave it out")
    return None


def _engine(cluster: Cluster | None, jobs: int | None, files: int) -> tuple[Engine, int]:
    """Who works, and at how many files at a time; a cluster knows itself how many it can do."""
    if cluster is None:
        return local, jobs or usable_cores()
    cpus = min(jobs or usable_cores(), files)
    return (lambda size: RayPool(size, cluster, cpus)), jobs or files


def usable_cores() -> int:
    """That this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def print_report(report: Report, wall_s: float, out: Path, *, details: bool) -> None:
    """The table to stdout; what is wrong with a file to stderr, a line each."""
    console = Output()
    if report.results:
        _say(console, "Labelled")
        console.print(fitted(RESULT_COLUMNS, report.results, console.width))
    seconds = sum(result.duration_s for result in report.results)
    kept = f", {report.kept} of them by a former run" if report.kept else ""
    _say(
        console,
        f"{len(report.results)} of {len(report.files)} files labelled{kept}: "
        f"{_clock(seconds)} of them in {_clock(wall_s)}",
    )
    tables = ", ".join(printable(out / f"{kind}.parquet") for kind in COLUMNS)
    _say(console, f"Tables: {tables}, and .csv")
    for note in report.notes:
        tell(f"emofuse: {note}")
    for result in report.results:
        for note in result.notes:
            tell(f"emofuse: {result.name}: {note}")
    for failure in report.failures:
        tell(f"emofuse: {failure.name} failed: {failure.reason}")
        if details and failure.details:
            tell(failure.details)


def _labels(result: PartResult) -> str:
    return ", ".join(f"{label} {count}" for label, count in result.labels[:TOP]) or "-"


def _share(part: float, whole: float, form: str) -> str:
    return format(part / whole, form) if whole else "-"


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


RESULT_COLUMNS: tuple[Column[PartResult], ...] = (
    Column("file", lambda result: Text(result.name), left=True),
    Column("length", lambda result: Text(_clock(result.duration_s)), goes=2),
    Column("utterances", lambda result: Text(str(result.utterances))),
    Column("matched", lambda result: Text(str(result.matched))),
    Column("faces", lambda result: Text(_share(result.with_face, result.pictures, ".0%")), goes=3),
    Column("top labels", lambda result: Text(_labels(result)), left=True, goes=1),
    Column(
        "x real\ntime",
        lambda result: Text(_share(result.duration_s, result.wall_s, ".1f")),
        goes=4,
    ),
)


def _say(console: Console, line: str) -> None:
    """As it is: a name may hold what ``rich`` takes for markup."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
