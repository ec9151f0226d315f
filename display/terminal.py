"""The view for a terminal; without one, a line for every final utterance.

A thin shell: ``view`` knows what to show, ``tables`` draws it. Pictures are not read at all.
"""

import os
import sys

from rich.console import Console
from rich.live import Live

from config.settings import Settings
from display.keyboard import keys
from display.requests import Requests
from display.tables import render, utterance_line
from display.view import View
from messaging.clock import monotonic_ns
from messaging.joining import node_of
from messaging.node import Node
from messaging.schema import Control
from messaging.topics import AUDIO, CONTROL, FACES, HEARTBEAT, MARKERS, SPEECH, UTTERANCES

NAME = "display"
REFRESH_NS = 100_000_000
LOOK_S = 0.01
"""A key is taken up so soon: a marker's stamp is when it was pressed."""


def run(settings: Settings) -> None:
    """Show the pipeline until it ends; ``q`` ends all of it, other keys are told on the screen."""
    console = Console()
    topics = (AUDIO, FACES, SPEECH, UTTERANCES, HEARTBEAT, MARKERS)
    with node_of(settings, NAME, topics) as node:
        view = View(
            node.name,
            is_comparable=node.stamp().bound_ns == 0,
            smoothing_s=settings.display.smoothing_s,
            only=settings.display.cameras,
        )
        if console.is_terminal and not console.is_dumb_terminal:
            _show(node, view, console)
        else:
            _print_lines(node, view)


def _show(node: Node, view: View, console: Console) -> None:
    drawn_ns = 0
    requests = Requests(node.name, view.session)
    with keys() as keyboard, Live(console=console, screen=True, auto_refresh=False) as live:
        while node.alive():
            for received in node.receive(LOOK_S):
                view.take(received)
            now_ns = monotonic_ns()
            if now_ns - drawn_ns >= REFRESH_NS:
                live.update(render(view.scene(now_ns), *console.size), refresh=True)
                drawn_ns = now_ns
            for key in keyboard.typed():
                if key in "qQ":
                    node.publish(CONTROL, Control(node.stamp(), "stop", node.name))
                    return
                if asked := requests.of(key, node.stamp()):
                    node.publish(*asked)


def _print_lines(node: Node, view: View) -> None:
    while node.alive():
        for received in node.receive(0.1):
            utterance = view.take(received)
            if utterance is None:
                continue
            try:
                print(utterance_line(view.scene(monotonic_ns()), utterance), flush=True)
            except BrokenPipeError:
                # Whoever read the lines has enough; what is still buffered must not complain.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return
