"""The command line, with a node in the table that crashes in place of the one named first."""

import sys
from dataclasses import replace

from commands.app import app
from commands.plan import Plan
from commands.processes import Process
from run_pipeline import PROCESSES, choose_processes


def choose(plan: Plan) -> list[Process]:
    return [
        replace(row, module="tests.commands.misbehaving.crashes") if row.name == crashing else row
        for row in choose_processes(plan)
    ]


if __name__ == "__main__":
    crashing = sys.argv.pop(1)
    app(PROCESSES, choose)
