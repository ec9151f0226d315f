"""A node that only gives stamps: ``python -m benchmarks.stamper NAME ADDRESS SECONDS [NODE ...]``.

It begins when the nodes are there that are named at the end. Prints a line for each stamp, 100 a
second: what the clock said, the offset, and its bound or ``None``.
"""

import sys
import time

from messaging.node import Node


def main() -> None:
    name, address, seconds, *awaited = sys.argv[1:]
    with Node(name, address, connect_timeout_s=60) as node:
        node.wait_for(awaited)
        end_s = time.monotonic() + float(seconds)
        while node.alive() and time.monotonic() < end_s:
            stamp = node.stamp()
            print(stamp.captured_ns, stamp.offset_ns, stamp.bound_ns)
            time.sleep(0.01)


if __name__ == "__main__":
    main()
