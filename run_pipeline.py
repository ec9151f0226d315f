#!/usr/bin/env python3
"""emofuse: the table of processes, and the door to the commands.

This file is imported again in every process, so it imports nothing heavy at its top.
"""

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from commands.processes import Process, Stage

if TYPE_CHECKING:
    from commands.plan import Plan

PROCESSES: tuple[Process, ...] = (
    Process("hub", "commands.hub", Stage.HUB),
    Process("camera", "capture.camera", Stage.SOURCE),
    Process("microphone", "capture.microphone", Stage.SOURCE),
    Process("media", "capture.media", Stage.SOURCE, max_restarts=0),
    Process("player", "recording.player", Stage.SOURCE, max_restarts=0),
    Process("inference", "inference.node", Stage.INFERENCE),
    Process("fusion", "fusion.node", Stage.FUSION, ends_run=True),
    Process("window", "display.window", Stage.DISPLAY, ends_run=True),
    Process("terminal", "display.terminal", Stage.DISPLAY, ends_run=True),
    Process("lsl", "display.lsl", Stage.DISPLAY),
    Process("osc", "display.osc", Stage.DISPLAY),
    Process("metrics", "commands.watch.metrics", Stage.DISPLAY),
    Process("recorder", "recording.recorder", Stage.RECORDER),
)
"""Every process that there is; ``run`` starts those that its plan needs, in this order."""


def choose_processes(plan: "Plan") -> list[Process]:
    """The rows that a full pipeline needs, or one for each node that was named."""
    if plan.nodes:
        return [
            replace(row, name=node.name, settings=node.settings)
            for row in PROCESSES
            for node in plan.nodes
            if node.kind == row.name
        ]
    return [process for process in PROCESSES if process.name in plan.rows]


def main() -> None:
    """The command line. Until it has begun, Ctrl-C ends it without a traceback."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from commands.app import app

    app(PROCESSES, choose_processes)


if __name__ == "__main__":
    main()
