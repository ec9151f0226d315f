"""A media file before it is opened, without the libraries that open it."""

from pathlib import Path

from messaging.errors import UserError


def check(path: Path) -> None:
    """What FFmpeg would tell less clearly, or would wait for: a pipe, a device.

    Raises:
        UserError: this is no file, an empty one, or one that may not be read.
    """
    name = printable(path)
    try:
        if not path.exists():
            raise UserError(f"no media file {name}; check the path")
        if not path.is_file():
            raise UserError(f"{name} is no file; give a video or sound file")
        with path.open("rb") as file:
            if not file.read(1):
                raise UserError(f"{name} is empty; give a video or sound file")
    except OSError as error:
        raise UserError(
            f"{name} cannot be read ({error.strerror}); check the path and its permissions"
        ) from None


def printable(path: Path) -> str:
    """In one line that every terminal takes: a name may hold line ends and bytes of any kind."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(path)
    )
