"""Write what a recording carries in other programs' formats."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from capture.media_path import printable
from commands.stdio import put, tell
from config.settings import Settings
from offline.export import export, formats_of, outputs, refuse_overwriting
from offline.open_recording import recording_of
from offline.recording import Recording


def export_recording(
    path: Path, to: str, out: Path | None, settings: Settings, *, force: bool
) -> None:
    """Whatever can be refused is refused before anything is labelled."""
    files = outputs(path, formats_of(to), out)
    for paths in files.values():
        for each in paths:
            refuse_overwriting(path, each, force=force)
    with opened(path, settings) as recording:
        for name, paths in files.items():
            export(recording, name, paths)
            for each in paths:
                put(printable(each))


@contextmanager
def opened(path: Path, settings: Settings) -> Generator[Recording]:
    """The recording, with a bar while it is labelled, and a line for all that is wrong with it."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("labelling"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=None, start=not path.is_dir())

        def show(at_ns: int, end_ns: int) -> None:
            bar.update(task, completed=at_ns, total=end_ns or None)

        with recording_of(path, settings, show) as recording:
            bar.stop()
            for note in recording.notes:
                tell(f"emofuse: {printable(path)}: {note}")
            yield recording
