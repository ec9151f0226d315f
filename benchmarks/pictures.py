"""How late a raw picture comes to another process: through the hub, as it does, or through shared
memory, with the hub carrying its message alone.

    python -m benchmarks.pictures hub|memory RATE ADDRESS MEMORY

is the sender of a comparison, which ``python -m benchmarks --only pictures`` makes.
"""

import subprocess
import sys
import tempfile
import time
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from benchmarks.live import ROOT
from benchmarks.results import Results
from messaging.clock import monotonic_ns
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO, VIDEO_JPEG

WIDTH, HEIGHT = 640, 480
BYTES = WIDTH * HEIGHT * 3
SLOTS = 8
WARM_UP, PICTURES = 50, 350
RATES = (30, 300)


def slot(memory: SharedMemory, index: int) -> NDArray[np.uint8]:
    assert memory.buf is not None  # it is open
    return np.frombuffer(memory.buf, np.uint8, BYTES, index % SLOTS * BYTES)


def send(way: str, rate: float, address: str, name: str) -> None:
    picture = np.zeros(BYTES, np.uint8)
    memory = SharedMemory(name)
    resource_tracker.unregister(f"/{name}", "shared_memory")  # it is the reader's
    with Node("camera", address) as node:
        while not node.is_wanted(VIDEO):
            time.sleep(0.01)
        due_s = time.perf_counter()
        for index in range(WARM_UP + PICTURES):
            node.receive(0)
            due_s += 1 / rate
            time.sleep(max(0.0, due_s - time.perf_counter()))
            frame = VideoFrame(node.stamp(), "camera", index, width=WIDTH, height=HEIGHT)
            if way == "hub":
                node.publish(VIDEO, frame, picture.copy())
            else:
                slot(memory, index)[:] = picture
                node.publish(VIDEO_JPEG, frame)
        time.sleep(0.5)


def latencies_ms(way: str, rate: float) -> list[float]:
    """From the stamp to a picture that the reader may keep."""
    times: list[float] = []
    memory = SharedMemory(create=True, size=SLOTS * BYTES)
    try:
        with tempfile.TemporaryDirectory() as folder:
            address = f"ipc://{folder}/hub"
            start_hub = [sys.executable, ROOT / "run_pipeline.py", "hub", "--bind", address]
            with subprocess.Popen(start_hub, stderr=subprocess.DEVNULL) as hub:
                sender = [sys.executable, "-m", "benchmarks.pictures", way, str(rate)]
                with (
                    Node("reader", address, (VIDEO, VIDEO_JPEG)) as node,
                    subprocess.Popen([*sender, address, memory.name]) as run,
                ):
                    while run.poll() is None:
                        for received in node.receive(0.05):
                            if way == "memory":
                                slot(memory, received.message.index).copy()
                            came_ns = monotonic_ns() - received.message.stamp.captured_ns
                            if received.message.index >= WARM_UP:
                                times.append(came_ns / 1e6)
                hub.terminate()
    finally:
        memory.close()
        memory.unlink()
    return times


def compare(results: Results) -> None:
    for rate in RATES:
        for way in ("hub", "memory"):
            times = latencies_ms(way, rate)
            for share in (50, 95):
                name = f"raw picture by {way}, {rate}/s, p{share}"
                results.note(name, "ms", float(np.percentile(times, share)))


if __name__ == "__main__":
    send(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4])
