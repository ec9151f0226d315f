"""A detour to a hub on this host that takes its time: ``python -m benchmarks.relay MS JITTER_MS``.

Each way has a delay of its own: MS, and an exponential of mean JITTER_MS to the hub and of a third
of that from it. Bytes keep their order.
"""

import asyncio
import random
import sys
from functools import partial

from benchmarks.hosts import PORT, RELAY_PORT

ENDPOINTS = 5


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base_s: float, jitter_s: float
) -> None:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due_s, data = await waiting.get()
            await asyncio.sleep(due_s - loop.time())
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    try:
        while data := await reader.read(65536):
            delay_s = base_s + random.expovariate(1 / jitter_s)
            waiting.put_nowait((loop.time() + delay_s, data))
    except ConnectionError:
        pass
    finally:
        delivery.cancel()
        writer.close()


async def detour(
    port: int,
    base_s: float,
    jitter_s: float,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        from_hub, to_hub = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        writer.close()
        return
    await asyncio.gather(
        carry(reader, to_hub, base_s, jitter_s), carry(from_hub, writer, base_s, jitter_s / 3)
    )


async def main() -> None:
    base_s, jitter_s = (float(text) / 1000 for text in sys.argv[1:3])
    for number in range(ENDPOINTS):
        way = partial(detour, PORT + number, base_s, jitter_s)
        await asyncio.start_server(way, "0.0.0.0", RELAY_PORT + number)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
