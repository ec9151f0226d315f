"""Draw a recording on one page."""

from pathlib import Path
from typing import Literal

from capture.media_path import printable
from commands.export import opened
from commands.stdio import put
from config.settings import Settings
from messaging.errors import UserError
from offline.export import called_after, refuse_overwriting
from offline.output import require, whole_file
from offline.series import series_of

KINDS = (".pdf", ".svg", ".png")


def plot_recording(
    path: Path, out: Path | None, settings: Settings, *, width: str, force: bool
) -> None:
    """Beside the recording, as PDF, without ``out``."""
    if width not in ("page", "column"):
        raise UserError(f"no width {width!r}; there are page and column")
    chosen: Literal["page", "column"] = "column" if width == "column" else "page"
    file = out or called_after(path, ".pdf")
    if file.suffix.lower() not in KINDS:
        raise UserError(f"--out {printable(file)} ends in none of {', '.join(KINDS)}")
    refuse_overwriting(path, file, force=force)
    require("matplotlib", "a plot")
    from offline.plot import save_plot

    with opened(path, settings) as recording:
        series = series_of(recording)
    with whole_file(file) as draft:
        save_plot(series, recording.name, draft, chosen)
    put(printable(file))
