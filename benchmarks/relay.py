"""A detour to a hub on this host: a link that takes its time, and that can fail.

``python -m benchmarks.relay MS JITTER_MS``: each way has a delay of its own, MS and an exponential
of mean JITTER_MS to the hub and of a third of that from it. Bytes keep their order.
"""

import asyncio
import random
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Self

from benchmarks.hosts import PORT, RELAY_PORT

ENDPOINTS = 5
LOCAL = "127.0.0.1"
BACKLOG = 128
ON_ITS_WAY = 64
"""Reads of up to 64 KiB that one way of a connection holds; then the sender has to wait."""

Direction = Literal["there", "back"]
Delay = Callable[[], float]


def no_delay() -> float:
    return 0.0


class Way:
    """One direction: ``there`` is to the hub, ``back`` from it."""

    def __init__(self, delay_s: Delay) -> None:
        self.delay_s = delay_s
        self.passes = asyncio.Event()
        self.passes.set()


class Relay:
    """From five neighbouring ports to a hub's, in a thread of its own, while the block lasts.

    Until the link is ``cut`` or made ``silent`` it passes everything on.
    """

    def __init__(
        self,
        hub_port: int,
        port: int,
        host: str = LOCAL,
        there_s: Delay = no_delay,
        back_s: Delay = no_delay,
    ) -> None:
        self.address = f"tcp://{host}:{port}"
        self._hub_port, self._port, self._host = hub_port, port, host
        self._ways: dict[Direction, Way] = {"there": Way(there_s), "back": Way(back_s)}
        self._listeners: list[socket.socket] = []
        self._doors: list[asyncio.Task[None]] = []
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Every connection is closed, and new ones are refused."""
        self._do(self._cut())

    def silence(self, *directions: Direction) -> None:
        """Nothing passes, both ways or in the directions that are named, and nobody is told:
        connections stay, new ones are not answered.
        """
        self._do(self._silence(directions or ("there", "back")))

    def restore(self) -> None:
        """The link is there again; what a silent one still holds goes on."""
        self._do(self._restore())

    def _do(self, change: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(change, self._loop).result()

    async def _cut(self) -> None:
        await _cancel(self._doors)
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for writers in self._connections.values():
            for writer in writers:
                writer.transport.abort()
        await _cancel(list(self._connections))

    async def _silence(self, directions: tuple[Direction, ...]) -> None:
        for direction in directions:
            self._ways[direction].passes.clear()
        await _cancel(self._doors)
        for listener in self._listeners:
            listener.listen(0)  # one more waits in the system's queue, all others get no answer

    async def _restore(self) -> None:
        for way in self._ways.values():
            way.passes.set()
        if not self._listeners:
            self._listeners = [self._listen(self._port + number) for number in range(ENDPOINTS)]
        await _cancel(self._doors)
        for number, listener in enumerate(self._listeners):
            listener.listen(BACKLOG)
            self._doors.append(asyncio.create_task(self._serve(listener, number)))

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server((self._host, port), backlog=BACKLOG)
        listener.settimeout(0)
        return listener

    async def _serve(self, listener: socket.socket, number: int) -> None:
        while True:
            taken, _ = await asyncio.get_running_loop().sock_accept(listener)
            connection = asyncio.create_task(self._detour(taken, self._hub_port + number))
            self._connections[connection] = []
            connection.add_done_callback(self._connections.pop)

    async def _detour(self, taken: socket.socket, port: int) -> None:
        writers = self._connections[asyncio.current_task()]  # pyright: ignore[reportArgumentType]
        reader, writer = await asyncio.open_connection(sock=taken)
        writers.append(writer)
        try:
            from_hub, to_hub = await asyncio.open_connection(LOCAL, port)
        except ConnectionError:
            writer.close()
            return
        writers.append(to_hub)
        await asyncio.gather(
            carry(reader, to_hub, self._ways["there"]), carry(from_hub, writer, self._ways["back"])
        )


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
    """Until the sender's end, which is passed on like all else that it said."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(ON_ITS_WAY)

    async def deliver() -> None:
        while True:
            due_s, data = await waiting.get()
            await asyncio.sleep(due_s - loop.time())
            await way.passes.wait()
            if not data:
                return
            writer.write(data)
            await writer.drain()

    async def take() -> None:
        data = b"more"
        while data:
            try:
                data = await reader.read(65536)
            except ConnectionError:  # while the link is silent nobody hears of that, either
                data = b""
            await waiting.put((loop.time() + way.delay_s(), data))

    both = asyncio.create_task(deliver()), asyncio.create_task(take())
    try:
        await asyncio.gather(*both)
    except ConnectionError:
        pass
    finally:
        for task in both:
            task.cancel()
        writer.close()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


def main() -> None:
    base_s, jitter_s = (float(text) / 1000 for text in sys.argv[1:3])

    def delay(mean_s: float) -> Delay:
        return lambda: base_s + random.expovariate(1 / mean_s)

    ways = delay(jitter_s), delay(jitter_s / 3)
    with Relay(PORT, RELAY_PORT, "0.0.0.0", *ways):
        threading.Event().wait()


if __name__ == "__main__":
    main()
