"""A node that only gives stamps: ``python -m benchmarks.stamper ADDRESS SECONDS``.

Prints a line for each, 100 a second: what the clock said, the offset, and its bound or ``None``.
"""

import sys
import time

from messaging.node import Node


def main() -> None:
    address, seconds = sys.argv[1], float(sys.argv[2])
    with Node("stamper", address, connect_timeout_s=60) as node:
        end_s = time.monotonic() + seconds
        while node.alive() and time.monotonic() < end_s:
            stamp = node.stamp()
            print(stamp.captured_ns, stamp.offset_ns, stamp.bound_ns)
            time.sleep(0.01)


if __name__ == "__main__":
    main()
