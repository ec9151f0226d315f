"""Which system libraries cannot be loaded, and which Debian packages bring them."""

import ctypes
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
}
"""All that opencv-python's Linux wheel links to, its window's plugin included, but does not carry.
PortAudio is needed for a microphone alone; ``capture.portaudio`` names it."""


def missing_packages(libraries: Iterable[str]) -> list[str]:
    """Without what these libraries cannot be loaded; empty on other systems than Linux."""
    if not sys.platform.startswith("linux"):
        return []
    lacks = (_lack(library) for library in libraries)
    return [*dict.fromkeys(PACKAGES[lack] for lack in lacks if lack)]


def how_to_install(packages: Iterable[str]) -> str:
    """Names packages and the line that installs them."""
    names = [*packages]
    return (
        f"missing system packages: {', '.join(names)}; on Debian or Ubuntu: "
        f"sudo apt-get install {' '.join(names)}"
    )


def _lack(library: str) -> str:
    """What is missing: the library, or one that it needs itself; the loader says which."""
    try:
        ctypes.CDLL(library)
    except OSError as error:
        named = Path(str(error).partition(":")[0]).name
        return named if named in PACKAGES else library
    return ""
