"""Keys of this machine, and of those that it knows."""

import platform
import re
from pathlib import Path
from typing import Annotated

import typer

from commands.options import Keys, settings_of
from commands.stdio import put, tell
from messaging.errors import UserError
from messaging.keys import let_in, make_keys, parse_public, read_keys, read_known, set_hub

Public = Annotated[
    str,
    typer.Argument(
        metavar="FILE|'NAME KEY'",
        help="What `keys show` prints on the other machine, or a file with it.",
        show_default=False,
    ),
]


def add_keys_commands(app: typer.Typer) -> None:
    """``keys new``, ``keys add`` and ``keys show``."""
    keys_app = typer.Typer(help="Make the keys of machines that work together over a network.")
    app.add_typer(keys_app, name="keys")

    @keys_app.command()
    def new(
        name: Annotated[
            str | None, typer.Argument(help="Of this machine; its host name.", show_default=False)
        ] = None,
        keys: Keys = None,
    ) -> None:
        """Make this machine's keys, and print the line that other machines are given."""
        made = make_keys(_folder(keys), name or _host())
        put(made.line)
        tell(
            f"emofuse: keys made in {made.folder}; the line is for the hub (emofuse keys add "
            "'NAME KEY'), or, where the hub is here, for all others (keys add --hub 'NAME KEY')"
        )

    @keys_app.command()
    def add(
        public: Public,
        hub: Annotated[
            bool, typer.Option("--hub", help="It is the hub's, which this machine connects to.")
        ] = False,
        keys: Keys = None,
    ) -> None:
        """At the hub: let a machine in. Elsewhere, with --hub: name the hub's public key."""
        mine = read_keys(_folder(keys))
        name, key = parse_public(public)
        if hub:
            set_hub(mine, name, key)
            is_another = mine.hub_name and mine.hub != key
            former = f", and no longer {mine.hub_name} {mine.hub}" if is_another else ""
            tell(f"emofuse: from here {name} is the hub{former}")
        else:
            former = let_in(mine, name, key)
            told = f"that key was let in already, as {former}," if former else f"{name} is let in"
            tell(f"emofuse: {told} by a hub with the keys in {mine.folder}")

    @keys_app.command()
    def show(keys: Keys = None) -> None:
        """Print this machine's line; on standard error, whom it knows."""
        mine = read_keys(_folder(keys))
        known, wrong = read_known(mine.folder)
        put(mine.line)
        if mine.hub != mine.public:
            tell(f"emofuse: connects to the hub {mine.hub_name} {mine.hub}")
        for key, name in known.items():
            tell(f"emofuse: lets in {name} {key}")
        if wrong:
            raise UserError("\n".join(wrong))


def _folder(keys: Path | None) -> Path:
    folder = settings_of(keys=keys).bus.keys
    if folder is None:
        raise UserError("which folder? name one with --keys, or in EMOFUSE_BUS__KEYS")
    return folder


def _host() -> str:
    """The host's name, of letters that a name of keys may have."""
    return re.sub(r"[^\w.-]+", "-", platform.node())[:64] or "machine"
