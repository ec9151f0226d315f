"""MessagePack, typed (the library's own hints leave everything unknown)."""

from typing import Any

import msgpack

_library: Any = msgpack


def pack(value: object) -> bytes:
    return _library.packb(value)


def unpack(packed: bytes | bytearray | memoryview) -> Any:
    """Plain values; arrays become tuples.

    It never allocates what a length field claims: the bytes that are there bound every container.

    Raises:
        ValueError: truncated, trailing or malformed bytes, or nested too deeply.
    """
    return _library.unpackb(packed, use_list=False)
