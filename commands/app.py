"""The command line: options become settings, settings start something."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from commands.plan import Plan
from commands.processes import REFUSED, Process, run_process
from commands.requirements import require_limits, require_system_libraries
from config.load import SettingsError, load_settings
from config.settings import Settings
from messaging.address import endpoints, refuse_strangers, shared_address
from messaging.errors import UserError, system_lack
from messaging.node import TERMINAL_SIGNALS

DEFAULT_COMMAND = "run"
NO_REPLAY: Mapping[str, object] = MappingProxyType({})

Camera = Annotated[
    str | None,
    typer.Option(help="A number, a path such as /dev/video0, an RTSP or HTTP URL, auto or none."),
]
Microphone = Annotated[
    str | None, typer.Option(help="A number, a part of the device's name, auto or none.")
]
Media = Annotated[
    Path | None, typer.Option(help="Play this video or sound file as camera and microphone.")
]
Speed = Annotated[
    str | None,
    typer.Option(help="Of the file: 1 is real time, max as fast as it goes without loss."),
]
Display = Annotated[str | None, typer.Option(help="auto, window, terminal or none.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings (or EMOFUSE_CONFIG)."),
]
LogLevel = Annotated[str | None, typer.Option(help="debug, info, warning or error.")]
Hub = Annotated[
    str | None,
    typer.Option(help="Where the hub is: ipc:///PATH or tcp://HOST:PORT."),
]
Record = Annotated[
    Path | None, typer.Option(help="Record a session into this new folder.", show_default=False)
]
RecordMode = Annotated[
    str | None, typer.Option(help="all, no-video, or labels (neither pictures nor sound).")
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print an utterance a line as JSON, and last a summary."),
]

RecordingPath = Annotated[
    Path,
    typer.Argument(help="A recorded session's folder, or a media file.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]


class _DefaultsToRun(TyperGroup):
    """Options without a command belong to ``run``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h")):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


def _settings(
    *,
    camera: str | None = None,
    microphone: str | None = None,
    media: Path | None = None,
    speed: str | None = None,
    display: str | None = None,
    log_level: str | None = None,
    hub: str | None = None,
    record: Path | None = None,
    record_mode: str | None = None,
    config: Path | None = None,
    replay: Mapping[str, object] = NO_REPLAY,
) -> Settings:
    """Options that were given go before environment and file."""
    given = {
        ("camera", "device"): camera,
        ("microphone", "device"): microphone,
        ("media", "file"): media,
        ("media", "speed"): speed,
        ("display", "kind"): display,
        ("bus", "address"): hub,
        ("recording", "folder"): record,
        ("recording", "mode"): record_mode,
        **{("replay", key): value for key, value in replay.items()},
    }
    options: dict[str, Any] = {} if log_level is None else {"log_level": log_level}
    for (section, key), value in given.items():
        if value is not None:
            options.setdefault(section, {})[key] = value
    return load_settings(options, config)


def _build(
    processes: Sequence[Process], choose: Callable[[Plan], Sequence[Process]]
) -> typer.Typer:
    app = typer.Typer(
        cls=_DefaultsToRun,
        help="Which emotion a face shows, and which emotion each utterance carries.\n\n"
        "Without a command, the full pipeline runs: see `run --help`. Every setting can also be "
        "given in a TOML file, or in the environment as EMOFUSE_SECTION__KEY.",
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.command()
    def run(
        camera: Camera = None,
        microphone: Microphone = None,
        media: Media = None,
        speed: Speed = None,
        display: Display = None,
        record: Record = None,
        record_mode: RecordMode = None,
        config: ConfigFile = None,
        log_level: LogLevel = None,
        as_json: Json = False,
    ) -> None:
        """Run the full pipeline on this machine (the default).

        With a camera and a microphone it is live; without one, the demo session plays.
        """
        from commands.run import run as run_pipeline

        require_system_libraries()
        settings = _settings(
            camera=camera,
            microphone=microphone,
            media=media,
            speed=speed,
            display=display,
            record=record,
            record_mode=record_mode,
            log_level=log_level,
            config=config,
        )
        raise typer.Exit(run_pipeline(settings, choose, as_json=as_json))

    @app.command()
    def replay(
        session: Annotated[
            Path, typer.Argument(help="The folder that --record made.", show_default=False)
        ],
        speed: Speed = None,
        start_from: Annotated[
            str | None,
            typer.Option(
                "--from",
                help="capture: look at the pictures anew; faces: take what was found in them.",
            ),
        ] = None,
        start: Annotated[
            float | None, typer.Option(help="Seconds of the session to begin at.")
        ] = None,
        end: Annotated[float | None, typer.Option(help="Seconds of the session to end at.")] = None,
        loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
        pause: Annotated[
            bool, typer.Option("--pause", help="Begin paused; `control resume` lets it go on.")
        ] = False,
        display: Display = None,
        record: Record = None,
        record_mode: RecordMode = None,
        config: ConfigFile = None,
        log_level: LogLevel = None,
        as_json: Json = False,
    ) -> None:
        """Play a recorded session through the pipeline, and label it anew."""
        from commands.replay import replay as replay_session

        require_system_libraries()
        settings = _settings(
            display=display,
            record=record,
            record_mode=record_mode,
            log_level=log_level,
            config=config,
            replay={
                "session": session,
                "speed": speed,
                "start_s": start,
                "end_s": end,
                "start_from": start_from,
                "loop": loop or None,
                "paused": pause or None,
            },
        )
        raise typer.Exit(replay_session(settings, choose, as_json=as_json))

    @app.command()
    def info(
        session: Annotated[
            Path, typer.Argument(help="The folder that --record made.", show_default=False)
        ],
        as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    ) -> None:
        """Say what a session holds, and whether its ledger adds up (else the exit code is 3)."""
        from commands.info import info as print_info

        raise typer.Exit(print_info(session, as_json=as_json))

    @app.command()
    def mark(
        text: Annotated[str, typer.Argument(help="What happened.", show_default=False)],
        hub: Hub = None,
    ) -> None:
        """Note an event at this moment, in the time of the pipeline that runs."""
        from commands.control import mark as send_mark

        send_mark(text, hub or "")

    @app.command()
    def control(
        action: Annotated[
            str,
            typer.Argument(help="record, rest, pause, resume or stop.", show_default=False),
        ],
        hub: Hub = None,
    ) -> None:
        """Tell the pipeline that runs to record or rest, pause or resume a replay, or stop."""
        from commands.control import control as send_control

        send_control(action, hub or "")

    @app.command()
    def node(
        name: Annotated[
            str,
            typer.Argument(help=", ".join(sorted(_single_nodes(processes))), show_default=False),
        ],
        hub: Hub = None,
        camera: Camera = None,
        microphone: Microphone = None,
        media: Media = None,
        speed: Speed = None,
        record: Record = None,
        record_mode: RecordMode = None,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Run a single node; it joins a hub that runs already."""
        require_system_libraries()
        settings = _settings(
            hub=hub,
            camera=camera,
            microphone=microphone,
            media=media,
            speed=speed,
            record=record,
            record_mode=record_mode,
            log_level=log_level,
            config=config,
        )
        if name == "recorder" and settings.recording.folder is not None:
            from commands.about import begin_or_continue_session

            begin_or_continue_session(settings.recording.folder, settings)
        _run_alone(_pick(processes, name, settings), settings)

    @app.command()
    def hub(
        bind: Annotated[
            str | None, typer.Option(help="Where to be: ipc:///PATH or tcp://HOST:PORT.")
        ] = None,
        insecure: Annotated[
            bool,
            typer.Option("--insecure", help="Serve whoever reaches a port beyond this machine."),
        ] = False,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Run the hub that nodes connect to."""
        settings = _settings(hub=bind, log_level=log_level, config=config)
        if not insecure:
            refuse_strangers(settings.bus.address)
        row = next(process for process in processes if process.name == "hub")
        _run_alone(row, settings)

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
        settings = _settings(log_level=log_level, config=config)
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
        settings = _settings(log_level=log_level, config=config)
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
        settings = _settings(log_level=log_level, config=config)
        plot_recording(recording, out, settings, width=width, force=force)

    @app.command()
    def devices() -> None:
        """List the cameras and microphones of this machine."""
        from commands.devices import print_devices

        require_system_libraries()
        print_devices()

    return app


def _single_nodes(processes: Sequence[Process]) -> list[str]:
    return [process.name for process in processes if process.name != "hub"] + ["display"]


def _pick(processes: Sequence[Process], name: str, settings: Settings) -> Process:
    """The row called ``name``; ``display`` is the window or the terminal, as it suits."""
    names = _single_nodes(processes)
    if name not in names:
        raise UserError(f"no node {name!r}; there are {', '.join(sorted(names))}")
    if name == "display":
        from commands.plan import choose_display

        name = choose_display(settings.display, quiet_stdout=False)
        if name == "none":
            name = "terminal"
    return next(process for process in processes if process.name == name)


def _run_alone(process: Process, settings: Settings) -> None:
    if not settings.bus.address:
        bus = settings.bus.model_copy(update={"address": shared_address()})
        settings = settings.model_copy(update={"bus": bus})
    endpoints(settings.bus.address)  # refused before anything is said
    print(f"emofuse {process.name}: hub at {settings.bus.address}", file=sys.stderr)
    run_process(process, settings)


def app(processes: Sequence[Process], choose: Callable[[Plan], Sequence[Process]]) -> None:
    """Run the command line; ends the process with its exit code."""
    for number in (*TERMINAL_SIGNALS, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        require_limits()
        _build(processes, choose)(prog_name="emofuse")
    except (UserError, SettingsError) as error:
        _refuse(str(error))
    except Exception as error:
        if lack := system_lack(error):
            _refuse(lack)
        raise


def _refuse(why: str) -> NoReturn:
    for line in why.splitlines():
        print(f"emofuse: {line}", file=sys.stderr)
    sys.exit(REFUSED)


def _end(number: int, _frame: FrameType | None) -> None:
    """Before there is a node that could be asked to stop: leave, but tidy up."""
    sys.exit(128 + number)
