"""Where things go: boxes in pixels, panels that keep out of each other's way, tiles."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple


class Box(NamedTuple):
    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def area(self) -> int:
        return self.width * self.height

    def overlap(self, other: "Box") -> int:
        """Pixels that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)

    def moved(self, right: int, down: int) -> "Box":
        return self._replace(left=self.left + right, top=self.top + down)

    def moved_into(self, bounds: "Box") -> "Box":
        """The same size, moved as little as possible to lie inside ``bounds``."""
        left = max(bounds.left, min(self.left, bounds.right - self.width))
        top = max(bounds.top, min(self.top, bounds.bottom - self.height))
        return self._replace(left=left, top=top)

    def cut_to(self, bounds: "Box") -> "Box":
        left, top = max(self.left, bounds.left), max(self.top, bounds.top)
        right, bottom = min(self.right, bounds.right), min(self.bottom, bounds.bottom)
        return Box(left, top, max(0, right - left), max(0, bottom - top))


def face_box(box: tuple[float, float, float, float], scale: float, bounds: Box) -> Box:
    """A face's box on the painted picture, cut to it; any finite numbers will do."""
    left, top, width, height = (max(-1e6, min(1e6, value * scale)) for value in box)
    edges = (round(left), round(top), round(left + width), round(top + height))
    return Box(edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]).cut_to(bounds)


def places_around(face: Box, width: int, height: int, gap: int) -> Iterable[Box]:
    """Where a panel of that size may stand beside a face, the best first."""
    right, left = face.right + gap, face.left - gap - width
    yield Box(right, face.top, width, height)
    yield Box(left, face.top, width, height)
    yield Box(right, face.bottom - height, width, height)
    yield Box(left, face.bottom - height, width, height)
    yield Box(face.left, face.bottom + gap, width, height)
    yield Box(face.left, face.top - gap - height, width, height)
    yield Box(face.right - width, face.bottom + gap, width, height)
    yield Box(face.right - width, face.top - gap - height, width, height)


def tag_places(face: Box, width: int, height: int, gap: int) -> Iterable[Box]:
    """Where a face's label may stand, the best first: above, below, or inside."""
    for left in (face.left, face.right - width):
        yield Box(left, face.top - gap - height, width, height)
        yield Box(left, face.bottom + gap, width, height)
    for left in (face.left + gap, face.right - gap - width):
        yield Box(left, face.top + gap, width, height)
        yield Box(left, face.bottom - gap - height, width, height)


def best_place(
    candidates: Iterable[Box], bounds: Box, own: Box, others: Sequence[Box], taken: Sequence[Box]
) -> tuple[Box, float]:
    """The candidate, moved inside ``bounds``, that hides least; and what it still hides, in pixels.

    Hiding another panel counts four times.
    """

    def hidden(place: Box) -> float:
        faces = sum(place.overlap(other) for other in others)
        panels = sum(place.overlap(other) for other in taken)
        return faces + 4 * panels + place.overlap(own)

    best = min((candidate.moved_into(bounds) for candidate in candidates), key=hidden)
    return best, hidden(best)


def fitted(width: int, height: int, bounds: Box) -> Box:
    """The largest box of that shape inside ``bounds``, in its middle."""
    scale = min(bounds.width / width, bounds.height / height)
    fit_width = max(1, round(width * scale))
    fit_height = max(1, round(height * scale))
    left = bounds.left + (bounds.width - fit_width) // 2
    return Box(left, bounds.top + (bounds.height - fit_height) // 2, fit_width, fit_height)


def tiles(count: int, bounds: Box, aspect: float = 4 / 3) -> list[Box]:
    """``count`` equal tiles in rows, so that pictures of ``aspect`` are as large as can be."""

    def height_with(columns: int) -> float:
        rows = ceil(count / columns)
        return min(bounds.height / rows, bounds.width / columns / aspect)

    columns = max(range(1, count + 1), key=height_with)
    width, height = bounds.width // columns, bounds.height // ceil(count / columns)
    return [
        Box(bounds.left + place % columns * width, bounds.top + place // columns * height,
            width, height)
        for place in range(count)
    ]  # fmt: skip
