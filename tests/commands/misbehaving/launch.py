"""The command line, with a module of this folder for one of the rows: ``ROW=MODULE`` first."""

import sys
from dataclasses import replace

from commands.app import app
from commands.plan import Plan
from commands.processes import Process
from run_pipeline import PROCESSES, choose_processes


def choose(plan: Plan) -> list[Process]:
    return [
        replace(row, module=f"tests.commands.misbehaving.{module}") if row.name == name else row
        for row in choose_processes(plan)
    ]


if __name__ == "__main__":
    name, _, module = sys.argv.pop(1).partition("=")
    app(PROCESSES, choose)
