"""Every node of a pipeline that runs, as a table that follows it."""

from rich.live import Live

from commands.watch.listener import listening
from commands.watch.node_table import render
from commands.watch.output import Output
from config.settings import Settings
from messaging.clock import monotonic_ns
from messaging.topics import FACES, UTTERANCES

ONCE_S = 2.6
"""Every node has sent two heartbeats within this."""
LOOK_S = 0.05
REFRESH_NS = 500_000_000


def top(settings: Settings, *, once: bool) -> None:
    """Until Ctrl-C, or ``once`` as plain text."""
    console = Output()
    with listening(settings, FACES, UTTERANCES) as listener:
        observer = listener.observer()
        if once:
            for arrived in listener.rounds(LOOK_S, ONCE_S):
                for received in arrived:
                    observer.hear(received)
            console.print(render(observer.nodes(monotonic_ns()), listener.address, console.width))
            return
        with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
            drawn_ns = 0
            for arrived in listener.rounds(LOOK_S, outlasts_silence=True):
                for received in arrived:
                    observer.hear(received)
                now_ns = monotonic_ns()
                if now_ns - drawn_ns >= REFRESH_NS:
                    rows = observer.nodes(now_ns)
                    live.update(render(rows, listener.address, console.width), refresh=True)
                    drawn_ns = now_ns
