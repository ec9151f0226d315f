"""A lab's network (Lab Streaming Layer) of this test process and its children alone."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pylsl

_CONFIG = f"""[multicast]
ResolveScope = machine
[lab]
SessionID = test{os.getpid()}
[log]
level = -2
"""
_library: Any = pylsl
_library.set_config_content(_CONFIG)  # before anything else of the library is used

PATIENCE_S = 30.0


def lab_file(folder: Path) -> Path:
    """Named by ``LSLAPICFG``, it lets a child process join."""
    file = folder / "lsl_api.cfg"
    file.write_text(_CONFIG)
    return file


def outlet(name: str, source_id: str, kind: str = "Markers", *, is_text: bool = True) -> Any:
    form = _library.cf_string if is_text else _library.cf_float32
    info = _library.StreamInfo(name, kind, 1, _library.IRREGULAR_RATE, form, source_id)
    return _library.StreamOutlet(info)


def inlet(name: str) -> Any:
    """Of the stream with that name, opened, once it is there."""
    found = _library.resolve_byprop("name", name, timeout=PATIENCE_S)
    assert found, f"no stream {name}"
    opened = _library.StreamInlet(found[0])
    opened.open_stream(PATIENCE_S)
    return opened


def pull(stream: Any, rows: int) -> list[tuple[list[Any], float]]:
    """The next so many samples and their time stamps."""
    samples = [stream.pull_sample(PATIENCE_S) for _ in range(rows)]
    assert all(sample for sample, _ in samples), samples
    return samples


def until(condition: Callable[[], Any]) -> Any:
    """What it says, as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (said := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return said
