"""What passes through the hub.

    python -m benchmarks.hub [--seconds 3] [--subscribers 1 2 4 8 16 32]

Raw 640 x 480 pictures and small messages, from one sender to 1 to 32 subscribers: each of them, and
the hub, a process of its own. Latency is from before the sender's call until the subscriber has the
decoded message. ``max`` is as fast as the slowest subscriber takes them, with a few on their way.
What the hub adds is the difference to the same pictures sent from process to process, measured in
turn with it.
Goals: 1000 pictures per second, p95 of the added latency within 1 ms, 10 000 small messages per
second.
"""

import argparse
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import zmq

from benchmarks.machine import describe_machine
from messaging.bus import configure
from messaging.clock import monotonic_ns
from messaging.hub import serve
from messaging.node import Node
from messaging.schema import Marker, Stamp, VideoFrame
from messaging.topics import MARKERS, VIDEO, Topic
from messaging.wire import decode, encode

SPAWN = get_context("spawn")
WIDTH, HEIGHT = 640, 480
SUBSCRIBERS = (1, 2, 4, 8, 16, 32)
LIVE_HZ = 30.0
HIGH_HZ = 500.0
PATIENCE_S = 60.0
QUIET_S = 1.0
"""A subscriber that has heard nothing for so long, after the end was said, has heard all."""
LAST = "last"
ON_THE_WAY = {VIDEO.name: 8, MARKERS.name: 256}
"""Messages that the fastest sender is ahead of the slowest subscriber: fewer than queues hold."""
LOOK_S = 0.00002


@dataclass(frozen=True, slots=True)
class Flow:
    """What one sender's messages did. Rates are of the slowest subscriber; latencies of all."""

    subscribers: int
    asked_hz: float | None
    """``None``: as fast as the slowest subscriber takes them."""
    sent_hz: float
    arrived_hz: float
    lost: int
    """Over all subscribers."""
    p50_ms: float
    p95_ms: float


def measure_pictures(subscribers: int, seconds: float, hz: float | None = None) -> Flow:
    """Raw pictures, paced at ``hz`` or as fast as they are taken."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return _measure(VIDEO, picture, subscribers, seconds, hz)


def measure_messages(subscribers: int, seconds: float, hz: float | None = None) -> Flow:
    """Markers of a few letters: some hundred bytes each."""
    return _measure(MARKERS, b"", subscribers, seconds, hz)


def _measure(
    topic: Topic[Any], payload: Any, subscribers: int, seconds: float, hz: float | None
) -> Flow:
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/hub"
        names = [_name(number) for number in range(subscribers)]
        with (
            _process(serve, address, "warning"),
            Node("sender", address, connect_timeout_s=PATIENCE_S) as sender,
        ):
            counts = SPAWN.RawArray("q", subscribers)
            pipes = [SPAWN.Pipe(duplex=False) for _ in names]
            readers = [
                SPAWN.Process(target=_subscribe, args=(address, topic.name, counts, number, pipe))
                for number, (_, pipe) in enumerate(pipes)
            ]
            for reader in readers:
                reader.start()
            sender.wait_for(names)
            sent, took_s = _send(sender, topic, payload, seconds, hz, counts)
            heard = [_result(pipe) for pipe, _ in pipes]
            for reader in readers:
                reader.join()
    latencies_ns = np.concatenate([latencies for latencies, _ in heard])
    p50_ms, p95_ms = np.percentile(latencies_ns, (50, 95)) / 1e6
    return Flow(
        subscribers,
        hz,
        sent / took_s,
        min(len(latencies) for latencies, _ in heard) / took_s,
        sum(lost for _, lost in heard),
        float(p50_ms),
        float(p95_ms),
    )


@contextmanager
def _process(target: Any, *args: Any) -> Generator[None]:
    process = SPAWN.Process(target=target, args=args)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _name(number: int) -> str:
    return f"subscriber-{number}"


def _send(
    sender: Node,
    topic: Topic[Any],
    payload: Any,
    seconds: float,
    hz: float | None,
    counts: Sequence[int],
) -> tuple[int, float]:
    """How many messages in how many seconds; the last one, which says so, is not counted."""
    began = time.perf_counter()
    sent = 0
    while (now := time.perf_counter() - began) < seconds:
        if hz is None:
            _wait_until_taken(counts, sent - ON_THE_WAY[topic.name])
        elif now < sent / hz:
            time.sleep(sent / hz - now)
        sender.publish(topic, _message(sender, topic, sent), payload)
        sent += 1
        sender.alive()
    took_s = time.perf_counter() - began
    time.sleep(QUIET_S)  # by then the queues are empty, and the end is not lost
    sender.publish(topic, _message(sender, topic, sent, LAST), payload)
    return sent, took_s


def _wait_until_taken(counts: Sequence[int], messages: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while min(counts) < messages:
        if time.monotonic() > deadline:
            raise SystemExit("a subscriber takes nothing more")
        time.sleep(LOOK_S)


def _message(sender: Node, topic: Topic[Any], index: int, text: str = "") -> VideoFrame | Marker:
    if topic is VIDEO:
        return VideoFrame(sender.stamp(), "sender", index, width=WIDTH, height=HEIGHT, text=text)
    return Marker(sender.stamp(), text)


def _subscribe(address: str, topic_name: str, counts: Any, number: int, pipe: Connection) -> None:
    """Send back the latency of every message in nanoseconds, and how many were lost."""
    topic = VIDEO if topic_name == VIDEO.name else MARKERS
    latencies_ns: list[int] = []
    lost, expected = 0, 0
    with Node(
        _name(number), address, (topic,), connect_timeout_s=PATIENCE_S, keeps_all=True
    ) as node:
        deadline = time.monotonic() + PATIENCE_S + 60
        while node.alive() and time.monotonic() < deadline:
            for received in node.receive(0.1):
                lost += received.seq - expected
                expected = counts[number] = received.seq + 1
                if received.message.text == LAST:
                    pipe.send((np.array(latencies_ns), lost))
                    return
                latencies_ns.append(received.received_ns - received.message.stamp.captured_ns)
    pipe.send((np.array(latencies_ns), lost))


def _result(pipe: Connection) -> tuple[Any, int]:
    if not pipe.poll(2 * PATIENCE_S):
        raise SystemExit("a subscriber said nothing")
    return pipe.recv()


def direct_latencies_ms(seconds: float, hz: float) -> Any:
    """Of the same pictures from one process to another one, without a hub."""
    picture: Any = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        ours, theirs = SPAWN.Pipe(duplex=False)
        with context.socket(zmq.XPUB) as out:
            configure(out, bulk=True)
            out.bind(f"ipc://{folder}/direct")
            reader = SPAWN.Process(
                target=_subscribe_directly, args=(f"ipc://{folder}/direct", theirs)
            )
            reader.start()
            out.recv()  # it has subscribed
            began = time.perf_counter()
            for sent in range(round(seconds * hz)):
                time.sleep(max(0.0, sent / hz - (time.perf_counter() - began)))
                stamp = Stamp(monotonic_ns(), "clock")
                frame = VideoFrame(stamp, "sender", sent, width=WIDTH, height=HEIGHT)
                out.send_multipart([*encode(VIDEO, frame, "sender", 1, sent), picture], copy=False)
            out.send(b"")
            latencies_ns = ours.recv()
            reader.join()
    return latencies_ns / 1e6


def _subscribe_directly(endpoint: str, pipe: Connection) -> None:
    latencies_ns: list[int] = []
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        configure(socket, bulk=True)
        socket.subscribe(b"")
        socket.connect(endpoint)
        while len(parts := socket.recv_multipart(copy=False)) > 1:
            received = decode([part.buffer for part in parts], monotonic_ns())
            latencies_ns.append(received.received_ns - received.message.stamp.captured_ns)
    pipe.send(np.array(latencies_ns))


def print_added(seconds: float) -> None:
    """In turn, so that whatever else the machine does is the same for both."""
    print("\nadded by the hub, ms (median of three)")
    for hz in (LIVE_HZ, HIGH_HZ):
        added: list[tuple[float, float]] = []
        for _ in range(3):
            direct = np.percentile(direct_latencies_ms(seconds, hz), (50, 95))
            flow = measure_pictures(1, seconds, hz)
            added.append((flow.p50_ms - direct[0], flow.p95_ms - direct[1]))
        p50_ms, p95_ms = np.median(added, axis=0)
        print(f"{hz:12,.0f} Hz  p50 {p50_ms:.2f}  p95 {p95_ms:.2f}", flush=True)


def print_flows(title: str, flows: Iterable[Flow]) -> None:
    print(f"\n{title}")
    print("".join(f"{field.name:>12}" for field in fields(Flow)))
    for flow in flows:
        cells = ("max" if cell is None else f"{cell:,.3g}" for cell in asdict(flow).values())
        print("".join(f"{cell:>12}" for cell in cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--subscribers", type=int, nargs="+", default=SUBSCRIBERS)
    options = parser.parse_args()
    counts, seconds = options.subscribers, options.seconds
    print(describe_machine())
    for hz in (None, LIVE_HZ, HIGH_HZ):
        flows = (measure_pictures(count, seconds, hz) for count in counts)
        print_flows(f"raw {WIDTH} x {HEIGHT} pictures", flows)
    print_added(seconds)
    print_flows("small messages", (measure_messages(count, seconds) for count in counts))


if __name__ == "__main__":
    main()
