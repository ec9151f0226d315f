"""Names the system packages that are missing, before anything fails obscurely."""

import ctypes
import sys

from messaging.errors import UserError

NEEDED = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
"""What opencv-python's Linux wheel links to but does not carry, and the Debian package with it.
PortAudio is needed for a microphone alone; ``capture.microphone`` names it."""


def require_system_libraries() -> None:
    """Raises:
    UserError: one or more are missing; names the line that installs them.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = [package for library, package in NEEDED.items() if not _loads(library)]
    if missing:
        raise UserError(
            f"missing system packages: {', '.join(missing)}; on Debian or Ubuntu: "
            f"sudo apt-get install {' '.join(missing)}"
        )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
