"""Every node of a pipeline that runs, as a table that follows it."""

from rich.console import RenderableType
from rich.live import Live

from commands.watch.listener import listening
from commands.watch.node_table import render
from commands.watch.output import Output
from config.settings import Settings
from messaging.clock import monotonic_ns
from messaging.observer import Observer
from messaging.topics import FACES, UTTERANCES

ONCE_S = 2.6
"""Every node has sent two heartbeats within this."""
LOOK_S = 0.05
REFRESH_NS = 500_000_000
CLOCK_NS = 30_000_000_000
"""How often the hub's clock is asked anew: clocks drift by a millisecond in this time at most."""


def top(settings: Settings, *, once: bool) -> None:
    """Until Ctrl-C; ``once`` as plain text, and so where there is no terminal to follow it on."""
    console = Output(follows=True)
    with listening(settings, FACES, UTTERANCES) as listener:
        observer = Observer(listener.hub_offset_ns())

        def table() -> RenderableType:
            return render(observer.nodes(monotonic_ns()), listener.address, console.width)

        if once or not console.is_terminal:
            for arrived in listener.rounds(LOOK_S, ONCE_S):
                observer.hear_all(arrived)
            console.print(table())
            return
        drawn_ns, asked_ns = 0, monotonic_ns()
        with Live(console=console, auto_refresh=False, screen=True) as live:
            for arrived in listener.rounds(LOOK_S):
                observer.hear_all(arrived)
                now_ns = monotonic_ns()
                if now_ns - drawn_ns >= REFRESH_NS:
                    live.update(table(), refresh=True)
                    drawn_ns = now_ns
                if now_ns - asked_ns >= CLOCK_NS:
                    observer.hub_offset_ns = listener.hub_offset_ns()
                    asked_ns = now_ns
