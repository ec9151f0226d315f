"""Names the system packages that are missing, before anything fails obscurely."""

import sys

from messaging.errors import UserError
from messaging.system_packages import how_to_install, missing_packages

NEEDED = ("libGL.so.1", "libgthread-2.0.so.0", "libxcb.so.1")
"""What OpenCV cannot be imported without; what its window needs besides, ``display.screen`` has."""

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
    if missing := missing_packages(NEEDED):
        raise UserError(how_to_install(missing))
