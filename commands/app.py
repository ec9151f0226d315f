"""The command line: where it begins, and what a user's mistake looks like."""

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from commands.file_commands import add_file_commands
from commands.keys import add_keys_commands
from commands.pipeline_commands import add_pipeline_commands
from commands.plan import Plan
from commands.processes import REFUSED, Process
from commands.requirements import require_limits
from commands.stdio import open_closed, tell, writing
from commands.watch_commands import add_watch_commands
from config.load import SettingsError
from messaging.errors import UserError, system_lack
from messaging.node import stop_signals

DEFAULT_COMMAND = "run"


class _DefaultsToRun(TyperGroup):
    """Options without a command belong to ``run``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h")):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)


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

    add_pipeline_commands(app, processes, choose)
    add_file_commands(app)
    add_watch_commands(app, processes)
    add_keys_commands(app)
    return app


def app(processes: Sequence[Process], choose: Callable[[Plan], Sequence[Process]]) -> None:
    """Run the command line; ends the process with its exit code."""
    open_closed()
    for number in stop_signals():
        signal.signal(number, _end)
    try:
        require_limits()
        try:
            _build(processes, choose)(prog_name="emofuse")
        finally:  # else it would be at the very end that Python complains
            with writing():
                pass
    except (UserError, SettingsError) as error:
        _refuse(str(error))
    except Exception as error:
        if lack := system_lack(error):
            _refuse(lack)
        raise


def _refuse(why: str) -> NoReturn:
    for line in why.splitlines():
        tell(f"emofuse: {line}")
    sys.exit(REFUSED)


def _end(number: int, _frame: FrameType | None) -> None:
    """Before there is a node that could be asked to stop: leave, but tidy up."""
    sys.exit(128 + number)
