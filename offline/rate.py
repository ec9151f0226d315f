"""Which pictures are analysed where fewer are asked for than there are. Pure."""

from collections.abc import Callable

from messaging.errors import UserError

SECOND = 1_000_000_000
MAX_FPS = 1000.0


def check_fps(fps: float | None) -> None:
    """Raises ``UserError`` where no file can be analysed at that rate."""
    if fps is not None and not 0 < fps <= MAX_FPS:
        raise UserError(f"--fps {fps:g} is out of range: more than 0, at most {MAX_FPS:g}")


def every(fps: float, interval_ns: int) -> Callable[[int], bool]:
    """Says of one picture after the other, by its file time, whether it is to be analysed.

    Time is cut into slots of 1/fps; the first picture of a slot is. Slots are shifted by half a
    picture's distance, so that it is the nearest one to 0, 1/fps, 2/fps, ..., and that at the
    file's own rate rounded times never leave a slot without its picture.
    """
    last = -1

    def wanted(at_ns: int) -> bool:
        nonlocal last
        slot = int((at_ns + interval_ns // 2) * fps / SECOND)
        is_first, last = slot != last, slot
        return is_first

    return wanted
