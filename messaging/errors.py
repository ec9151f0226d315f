"""The one exception that a user's mistake or a missing thing raises."""

import errno
import os

WAYS_OUT = {
    errno.EMFILE: "raise the limit with ulimit -n 1024",
    errno.ENFILE: "end other programs",
    errno.ENOMEM: "free some memory, or raise the limit with ulimit -v unlimited",
    errno.ENOSPC: "free some space where the output goes, or name another folder in TMPDIR",
    errno.EDQUOT: "free some space where the output goes, or name another folder in TMPDIR",
    errno.EROFS: "name another folder in TMPDIR",
}
"""What the system has run out of, by its error's number, and what its user can do."""


class UserError(Exception):
    """Names the thing, the value and the way out, in one line. Commands end with exit code 2."""


class RefusedError(UserError):
    """The hub is there, and does not let this machine in."""


def system_lack(error: BaseException) -> str:
    """What the system could not give, and the way out; empty where the error is another one."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    if not isinstance(number, int) or number not in WAYS_OUT:
        return ""
    return f"{os.strerror(number)}; {WAYS_OUT[number]}"
