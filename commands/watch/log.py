"""What all nodes log, in one place."""

import time

from rich.text import Text

from commands.watch.listener import listening
from commands.watch.output import Output
from config.settings import Settings
from display.palette import FAINT, WARNING
from messaging.errors import UserError
from messaging.schema import LogRecord
from messaging.text import plain
from messaging.topics import LOG

LOOK_S = 0.1
COLOURS = {"debug": FAINT, "info": "default", "warning": WARNING, "error": "red"}
"""By level, from the least to the gravest."""
LEVELS = tuple(COLOURS)


def follow_log(settings: Settings, level: str) -> None:
    """Records of ``level`` and graver ones, until Ctrl-C.

    Raises:
        UserError: there is no such level, or no hub.
    """
    if level not in LEVELS:
        raise UserError(f"no level {level!r}; there are {', '.join(LEVELS)}")
    console = Output(wraps=False, follows=True)
    with listening(settings, LOG) as listener:
        for arrived in listener.rounds(LOOK_S):
            for received in arrived:
                record = received.message
                if isinstance(record, LogRecord) and is_shown(record, level):
                    console.print(line(record, time.strftime("%H:%M:%S")))


def is_shown(record: LogRecord, level: str) -> bool:
    return LEVELS.index(record.level) >= LEVELS.index(level)


def line(record: LogRecord, clock: str) -> Text:
    """``clock`` is this machine's, at the arrival."""
    return Text.assemble(
        (clock, FAINT),
        (f" {record.level:<7} ", f"bold {COLOURS[record.level]}"),
        (f"{plain(record.node)}: ", "bold"),
        (plain(record.text), COLOURS[record.level]),
    )
