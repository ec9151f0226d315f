"""The commands of a pipeline that runs: start it or a part of it, and tell it something."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import typer

from commands.options import (
    Camera,
    ConfigFile,
    Display,
    Host,
    Hub,
    Json,
    Keys,
    LogLevel,
    Lsl,
    Media,
    Microphone,
    NodeName,
    NoHub,
    Only,
    Osc,
    Record,
    RecordMode,
    SessionPath,
    Speed,
    settings_of,
)
from commands.plan import Plan
from commands.processes import Process, run_process
from commands.requirements import require_system_libraries
from commands.share import rename
from commands.stdio import tell
from config.settings import Settings
from messaging.address import endpoints, refuse_strangers, shared_address
from messaging.errors import UserError


def add_pipeline_commands(
    app: typer.Typer, processes: Sequence[Process], choose: Callable[[Plan], Sequence[Process]]
) -> None:
    """``processes`` are all that there are, ``choose`` picks those that a plan needs."""

    @app.command()
    def run(
        camera: Camera = None,
        microphone: Microphone = None,
        media: Media = None,
        speed: Speed = None,
        display: Display = None,
        record: Record = None,
        record_mode: RecordMode = None,
        lsl: Lsl = False,
        osc: Osc = None,
        config: ConfigFile = None,
        hub: NoHub = None,  # noqa: ARG001
        only: Only = None,
        host: Host = None,
        keys: Keys = None,
        log_level: LogLevel = None,
        as_json: Json = False,
    ) -> None:
        """Run the full pipeline on this machine (the default).

        With a camera and a microphone it is live; without one, the demo session plays. Where the
        file names nodes, they run, or this machine's share of them.
        """
        from commands.run import run as run_pipeline

        require_system_libraries()
        settings = settings_of(
            camera=camera,
            microphone=microphone,
            media=media,
            speed=speed,
            display=display,
            record=record,
            record_mode=record_mode,
            lsl=lsl,
            osc=osc,
            keys=keys,
            log_level=log_level,
            config=config,
        )
        names = None if only is None else only.split(",")
        raise typer.Exit(run_pipeline(settings, choose, as_json=as_json, only=names, host=host))

    @app.command()
    def replay(
        session: SessionPath,
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
        lsl: Lsl = False,
        osc: Osc = None,
        config: ConfigFile = None,
        log_level: LogLevel = None,
        as_json: Json = False,
    ) -> None:
        """Play a recorded session through the pipeline, and label it anew."""
        from commands.replay import replay as replay_session

        require_system_libraries()
        settings = settings_of(
            display=display,
            record=record,
            record_mode=record_mode,
            lsl=lsl,
            osc=osc,
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
    def node(
        name: Annotated[
            str,
            typer.Argument(help=", ".join(sorted(_single_nodes(processes))), show_default=False),
        ],
        called: NodeName = None,
        hub: Hub = None,
        keys: Keys = None,
        camera: Camera = None,
        microphone: Microphone = None,
        media: Media = None,
        speed: Speed = None,
        record: Record = None,
        record_mode: RecordMode = None,
        osc: Osc = None,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Run a single node; it joins a hub that runs already."""
        require_system_libraries()
        load = partial(
            settings_of,
            hub=hub,
            keys=keys,
            camera=camera,
            microphone=microphone,
            media=media,
            speed=speed,
            record=record,
            record_mode=record_mode,
            osc=osc,
            log_level=log_level,
        )
        settings = load(config=config)
        if called is not None:
            settings = rename(settings, name, called, asked=load(environment={}))
        if name == "recorder" and settings.recording.folder is not None:
            from commands.about import begin_or_continue_session

            begin_or_continue_session(settings.recording.folder, settings)
        _run_alone(_pick(processes, name, settings), settings)

    @app.command()
    def hub(
        bind: Annotated[
            str | None, typer.Option(help="Where to be: ipc:///PATH or tcp://HOST:PORT.")
        ] = None,
        keys: Keys = None,
        insecure: Annotated[
            bool,
            typer.Option("--insecure", help="Without keys, serve whoever reaches the port."),
        ] = False,
        config: ConfigFile = None,
        log_level: LogLevel = None,
    ) -> None:
        """Run the hub that nodes connect to."""
        settings = settings_of(hub=bind, keys=keys, log_level=log_level, config=config)
        if settings.bus.address:
            endpoints(settings.bus.address)  # refused before keys are asked for
        if not insecure and settings.bus.keys is None:
            refuse_strangers(settings.bus.address)
        row = next(process for process in processes if process.name == "hub")
        _run_alone(row, settings)

    @app.command()
    def mark(
        text: Annotated[str, typer.Argument(help="What happened.", show_default=False)],
        hub: Hub = None,
        keys: Keys = None,
    ) -> None:
        """Note an event at this moment, in the time of the pipeline that runs."""
        from commands.control import mark as send_mark

        bus = settings_of(hub=hub, keys=keys).bus
        send_mark(text, bus.address, bus.keys)

    @app.command()
    def control(
        action: Annotated[
            str,
            typer.Argument(help="record, rest, pause, resume or stop.", show_default=False),
        ],
        hub: Hub = None,
        keys: Keys = None,
    ) -> None:
        """Tell the pipeline that runs to record or rest, pause or resume a replay, or stop."""
        from commands.control import control as send_control

        bus = settings_of(hub=hub, keys=keys).bus
        send_control(action, bus.address, bus.keys)


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
            tell(f"emofuse: {lack}")
        if name == "none":
            name = "terminal"
    return next(process for process in processes if process.name == name)


def _run_alone(process: Process, settings: Settings) -> None:
    if not settings.bus.address:
        bus = settings.bus.model_copy(update={"address": shared_address()})
        settings = settings.model_copy(update={"bus": bus})
    endpoints(settings.bus.address)  # refused before anything is said
    if process.name != "hub":  # which says so itself when it is there
        tell(f"emofuse {process.name}: hub at {settings.bus.address}")
    run_process(process, settings)
