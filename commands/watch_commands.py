"""The commands that look at what runs, and at whether this machine can run it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands.options import Camera, ConfigFile, Hub, Keys, Microphone, Seconds, settings_of
from commands.processes import Process, run_process
from messaging.address import running_address

TopicName = Annotated[str, typer.Argument(help="Such as faces.", show_default=False)]


def add_watch_commands(app: typer.Typer, processes: Sequence[Process]) -> None:
    """They join the hub that this user started last, where none is named, and only listen."""

    @app.command()
    def top(
        hub: Hub = None,
        keys: Keys = None,
        once: Annotated[
            bool, typer.Option("--once", help="Print the table once, as plain text.")
        ] = False,
    ) -> None:
        """Show every node that runs: rate, latency, losses, load and clock.

        The rate is that of the messages on its busiest topic. p50 and p95 are of its last 300
        results: for inference from the picture, for fusion from the utterance's end, until the
        result was heard by this command. Restarts are counted since it began to look.
        """
        from commands.watch.top import top as show

        show(settings_of(hub=hub, keys=keys), once=once)

    @app.command()
    def topics(
        hub: Hub = None,
        keys: Keys = None,
        everything: Annotated[
            bool, typer.Option("--all", help="Also heartbeat, log, control and clock.")
        ] = False,
    ) -> None:
        """List the streams that flow: senders, rates, bytes and readers."""
        from commands.watch.topics import print_topics

        print_topics(settings_of(hub=hub, keys=keys), everything=everything)

    @app.command()
    def echo(
        topic: TopicName,
        hub: Hub = None,
        keys: Keys = None,
        count: Annotated[
            int | None, typer.Option(help="End after so many messages.", min=1)
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help="Each message as a line of JSON.")
        ] = False,
    ) -> None:
        """Print the messages on a topic; of pictures and sound only the size."""
        from commands.watch.echo import echo as follow

        follow(settings_of(hub=hub, keys=keys), topic, count=count, as_json=as_json)

    @app.command()
    def hz(
        topic: TopicName,
        hub: Hub = None,
        keys: Keys = None,
        seconds: Seconds = None,
    ) -> None:
        """Measure how regularly messages come on a topic: rate, jitter, longest interval.

        Pictures are read for it, and dropped: on video_jpeg that makes cameras compress them.
        """
        from commands.watch.hz import hz as measure

        raise typer.Exit(
            0 if measure(settings_of(hub=hub, keys=keys), topic, seconds=seconds) else 1
        )

    @app.command()
    def log(
        level: Annotated[
            str, typer.Option(help="The least: debug, info, warning or error.")
        ] = "info",
        hub: Hub = None,
        keys: Keys = None,
    ) -> None:
        """Follow what all nodes log; each sends what its own log level lets through."""
        from commands.watch.log import follow_log

        follow_log(settings_of(hub=hub, keys=keys), level)

    @app.command()
    def metrics(
        hub: Hub = None,
        keys: Keys = None,
        port: Annotated[int | None, typer.Option(help="Of the HTTP server; 9464.")] = None,
        bind: Annotated[
            str | None, typer.Option(help="The address to serve at; this machine alone.")
        ] = None,
        config: ConfigFile = None,
    ) -> None:
        """Serve Prometheus metrics of a pipeline that runs already."""
        settings = settings_of(
            hub=hub, keys=keys, config=config, metrics={"port": port, "bind": bind}
        )
        bus = settings.bus
        joined = bus.model_copy(update={"address": bus.address or running_address()})
        row = next(process for process in processes if process.name == "metrics")
        run_process(row, settings.model_copy(update={"bus": joined}))

    @app.command()
    def doctor(
        hub: Hub = None,
        keys: Keys = None,
        camera: Camera = None,
        microphone: Microphone = None,
        record: Annotated[
            Path | None, typer.Option(help="Where sessions would go; here.", show_default=False)
        ] = None,
        deep: Annotated[
            bool, typer.Option("--deep", help="Import TensorFlow too: seconds, and much memory.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
        config: ConfigFile = None,
    ) -> None:
        """Check this machine: devices, models, disk, and the way to the hub and its streams.

        Exit code 0: fine, warnings included; 1: something is wrong.
        """
        from commands.doctor.examine import examine

        settings = settings_of(
            hub=hub, keys=keys, camera=camera, microphone=microphone, record=record, config=config
        )
        raise typer.Exit(examine(settings, deep=deep, as_json=as_json))
