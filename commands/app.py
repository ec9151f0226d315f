"""The command line: options become settings, settings start something."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from commands.plan import Plan
from commands.processes import REFUSED, Process, run_process
from commands.requirements import require_limits, require_system_libraries
from config.load import SettingsError, load_settings
from config.settings import Settings
from messaging.address import refuse_strangers, shared_address
from messaging.errors import UserError, system_lack
from messaging.node import TERMINAL_SIGNALS

DEFAULT_COMMAND = "run"

Camera = Annotated[
    str | None,
    typer.Option(help="A number, a path such as /dev/video0, an RTSP or HTTP URL, auto or none."),
]
Microphone = Annotated[
    str | None, typer.Option(help="A number, a part of the device's name, auto or none.")
]
Media = Annotated[
    Path | None,
    typer.Option(readable=False, help="Play this video or sound file as camera and microphone."),
]
Speed = Annotated[
    str | None,
    typer.Option(help="Of the file: 1 is real time, max as fast as it goes without loss."),
]
Display = Annotated[str | None, typer.Option(help="auto, window, terminal or none.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", readable=False, help="A TOML file with settings (or EMOFUSE_CONFIG)."),
]
LogLevel = Annotated[str | None, typer.Option(help="debug, info, warning or error.")]
Hub = Annotated[
    str | None,
    typer.Option(help="Where the hub is: ipc:///PATH or tcp://HOST:PORT."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print an utterance a line as JSON, and last a summary."),
]


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
    config: Path | None = None,
) -> Settings:
    """Options that were given go before environment and file."""
    given = {
        ("camera", "device"): camera,
        ("microphone", "device"): microphone,
        ("media", "file"): media,
        ("media", "speed"): speed,
        ("display", "kind"): display,
        ("bus", "address"): hub,
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
            log_level=log_level,
            config=config,
        )
        raise typer.Exit(run_pipeline(settings, choose, as_json=as_json))

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
            log_level=log_level,
            config=config,
        )
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

        name, lack = choose_display(settings.display, quiet_stdout=False)
        if lack:
            print(f"emofuse: {lack}", file=sys.stderr)
        if name == "none":
            name = "terminal"
    return next(process for process in processes if process.name == name)


def _run_alone(process: Process, settings: Settings) -> None:
    if not settings.bus.address:
        bus = settings.bus.model_copy(update={"address": shared_address()})
        settings = settings.model_copy(update={"bus": bus})
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
