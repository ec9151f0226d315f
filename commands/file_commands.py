"""The commands on what lies on the disk, and on what is plugged in."""

from pathlib import Path
from typing import Annotated

import typer

from commands.options import (
    ConfigFile,
    Force,
    LogLevel,
    RecordingPath,
    SessionPath,
    settings_of,
)
from commands.requirements import require_system_libraries


def add_file_commands(app: typer.Typer) -> None:
    @app.command()
    def info(
        session: SessionPath,
        as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    ) -> None:
        """Say what a session holds, and whether its ledger adds up (else the exit code is 3)."""
        from commands.info import info as print_info

        raise typer.Exit(print_info(session, as_json=as_json))

    @app.command()
    def label(
        files: Annotated[
            list[str],
            typer.Argument(
                help="Media files, sessions, patterns, or folders with any of these.",
                show_default=False,
            ),
        ],
        out: Annotated[Path, typer.Option(help="The folder for the tables.", show_default=False)],
        fps: Annotated[
            float | None, typer.Option(help="Analyse so many pictures a second, not all.")
        ] = None,
        jobs: Annotated[
            int | None, typer.Option(help="Files at a time; as many as there are cores.", min=1)
        ] = None,
        engine: Annotated[
            str, typer.Option(help="local: this machine's cores; ray: a Ray cluster.")
        ] = "local",
        address: Annotated[
            str | None,
            typer.Option(
                help="HOST:PORT of the Ray cluster's head, or auto; without it, one is started "
                "on this machine and ended."
            ),
        ] = None,
        gpus_per_file: Annotated[
            float | None,
            typer.Option(
                help="GPUs that a file takes, such as 0.25; without it, where a cluster has GPUs, "
                "their share of a core."
            ),
        ] = None,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Label media files and recorded sessions, as fast as it goes, and write tables.

        What was stopped goes on where it was.
        """
        from commands.label import cluster_of
        from commands.label import label as label_files

        require_system_libraries()
        settings = settings_of(log_level=log_level, config=config)
        cluster = cluster_of(engine, address, gpus_per_file, settings)
        raise typer.Exit(label_files(files, out, settings, fps, jobs, cluster))

    @app.command()
    def export(
        recording: RecordingPath,
        to: Annotated[
            str,
            typer.Option(help="vtt, srt, textgrid, eaf, csv, parquet, video; several with commas."),
        ],
        out: Annotated[
            Path | None, typer.Option(help="The folder; without it, the recording's own.")
        ] = None,
        force: Force = False,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Write subtitles, annotations, tables or an annotated video of a recording."""
        from commands.export import export_recording

        require_system_libraries()
        settings = settings_of(log_level=log_level, config=config)
        export_recording(recording, to, out, settings, force=force)

    @app.command()
    def plot(
        recording: RecordingPath,
        out: Annotated[
            Path | None, typer.Option(help="The file: .pdf, .svg or .png; a PDF without it.")
        ] = None,
        width: Annotated[
            str, typer.Option(help="page (7 inches) or column (3.4 inches).")
        ] = "page",
        force: Force = False,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Draw a recording on one page."""
        from commands.plot import plot_recording

        require_system_libraries()
        settings = settings_of(log_level=log_level, config=config)
        plot_recording(recording, out, settings, width=width, force=force)

    @app.command()
    def devices() -> None:
        """List the cameras and microphones of this machine."""
        from commands.devices import print_devices

        require_system_libraries()
        print_devices()
