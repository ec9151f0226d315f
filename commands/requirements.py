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

LIMITS = (
    ("RLIMIT_NOFILE", 256, "open files", "ulimit -n 1024"),
    ("RLIMIT_AS", 1 << 30, "bytes of address space", "ulimit -v unlimited"),
)
"""What each process needs at least, with room to spare. Where there is less, libraries abort."""


def require_limits() -> None:
    """Take what may be taken.

    Raises:
        UserError: that is too little.
    """
    if sys.platform == "win32":
        return
    import resource

    for name, needed, what, way_out in LIMITS:
        kind = getattr(resource, name)
        soft, hard = resource.getrlimit(kind)
        if soft == resource.RLIM_INFINITY or soft >= needed:
            continue
        try:
            resource.setrlimit(kind, (needed, hard))
        except ValueError:
            raise UserError(
                f"this shell allows {hard} {what}, {needed} are needed; raise it with {way_out}"
            ) from None


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
