"""What a node logs, on its way to the bus."""

import logging
import os

from messaging.forwarding import LONGEST, Forwarder


def forwarded(text: str, *args: object) -> str:
    forwarder = Forwarder()
    record = {"msg": text, "args": args, "levelno": logging.WARNING}
    forwarder.emit(logging.makeLogRecord(record))
    ((_, level, sent),) = forwarder.take()
    assert level == "warning"
    return sent


def test_the_name_of_a_file_that_is_no_unicode_can_be_sent() -> None:
    assert forwarded("%s is full", os.fsdecode(b"caf\xe9")) == "caf\\udce9 is full"


def test_what_is_too_long_is_cut() -> None:
    assert forwarded("%s", "x" * (LONGEST + 1)) == "x" * LONGEST
    assert len(forwarded("%s", "\udce9" * LONGEST)) == LONGEST
