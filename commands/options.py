"""The options that several commands share, and the settings that they make."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from config.load import load_settings
from config.settings import Settings
from messaging.errors import UserError

NONE: Mapping[str, object] = MappingProxyType({})

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


def _refuse_hub(hub: str | None) -> None:
    if hub is not None:
        raise UserError(
            f"--hub {hub} is for single nodes (emofuse node); where a pipeline's hub is, its "
            f'settings say: EMOFUSE_BUS__ADDRESS, or [bus] address = "{hub}" in a file (--config)'
        )


NoHub = Annotated[str | None, typer.Option("--hub", hidden=True, callback=_refuse_hub)]
Keys = Annotated[
    Path | None,
    typer.Option(readable=False, help="Folder with this machine's keys (see: emofuse keys new)."),
]
Record = Annotated[
    Path | None, typer.Option(help="Record a session into this new folder.", show_default=False)
]
RecordMode = Annotated[
    str | None, typer.Option(help="all, no-video, or labels (neither pictures nor sound).")
]
Lsl = Annotated[
    bool,
    typer.Option("--lsl", help="Send results out as streams of the Lab Streaming Layer."),
]
Osc = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Send results there as Open Sound Control (UDP)."),
]
Only = Annotated[
    str | None, typer.Option(help="Of the file's nodes start these, separated by commas.")
]
Host = Annotated[str | None, typer.Option(help="Of the file's nodes start those of this host.")]
NodeName = Annotated[
    str | None,
    typer.Option("--name", help="The node's name, where another one of its kind runs."),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print an utterance a line as JSON, and last a summary."),
]

SessionPath = Annotated[
    Path, typer.Argument(help="The folder that --record made.", show_default=False)
]
RecordingPath = Annotated[
    Path,
    typer.Argument(help="A recorded session's folder, or a media file.", show_default=False),
]
LONGEST_S = 1e9
"""Some 30 years: nobody waits longer, and it fits into nanoseconds."""


def _checked(seconds: float | None) -> float | None:
    if seconds is not None and not 0 < seconds <= LONGEST_S:  # nor is it, where it is no number
        raise UserError(f"--seconds {seconds:g}: give a number above 0, at most {LONGEST_S:g}")
    return seconds


Seconds = Annotated[
    float | None,
    typer.Option(help="Report once, after so long; 1 if nothing came.", callback=_checked),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]


def settings_of(
    *,
    camera: str | None = None,
    microphone: str | None = None,
    media: Path | None = None,
    speed: str | None = None,
    display: str | None = None,
    log_level: str | None = None,
    hub: str | None = None,
    keys: Path | None = None,
    record: Path | None = None,
    record_mode: str | None = None,
    config: Path | None = None,
    lsl: bool = False,
    osc: str | None = None,
    replay: Mapping[str, object] = NONE,
    metrics: Mapping[str, object] = NONE,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Options that were given go before environment and file."""
    given = {
        ("camera", "device"): camera,
        ("microphone", "device"): microphone,
        ("media", "file"): media,
        ("media", "speed"): speed,
        ("display", "kind"): display,
        ("bus", "address"): hub,
        ("bus", "keys"): keys,
        ("recording", "folder"): record,
        ("recording", "mode"): record_mode,
        ("lsl", "enabled"): lsl or None,
        ("osc", "target"): osc,
        **{("replay", key): value for key, value in replay.items()},
        **{("metrics", key): value for key, value in metrics.items()},
    }
    options: dict[str, Any] = {} if log_level is None else {"log_level": log_level}
    for (section, key), value in given.items():
        if value is not None:
            options.setdefault(section, {})[key] = value
    return load_settings(options, config, environment)
