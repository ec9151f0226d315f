"""Where a face will be: a Kalman filter whose velocity fades, since people stop."""

import math
from dataclasses import dataclass

from inference.detector import Box

STOP_S = 0.5
"""A velocity that nobody sees fades with this time constant."""
JITTER = 0.04
"""Standard deviation of a detection's centre, in sizes of the face: generous, since the boxes of
half-hidden faces jump."""
AGITATION = 6.0
"""How soon a velocity changes: its variance grows by so many sizes squared a second, per second."""
FIRST_SPEED = 1.4
"""Standard deviation of a velocity that is not known yet, in sizes a second."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Place and velocity, in pixels and seconds, with their covariance: the same on both axes."""

    x: float
    y: float
    velocity_x: float
    velocity_y: float
    place_variance: float
    covariance: float
    velocity_variance: float

    @classmethod
    def begin(cls, box: Box) -> "Motion":
        return cls(*box.centre, 0.0, 0.0, jitter(box.size), 0.0, FIRST_SPEED**2 * box.area)

    def after(self, passed_s: float, size: float) -> "Motion":
        """What is expected of a face of that size, nothing having been seen since."""
        fade = math.exp(-passed_s / STOP_S)
        travel, growth = STOP_S * (1 - fade), AGITATION * size**2 * passed_s
        moved = self.covariance + travel * self.velocity_variance
        return Motion(
            self.x + travel * self.velocity_x,
            self.y + travel * self.velocity_y,
            fade * self.velocity_x,
            fade * self.velocity_y,
            self.place_variance + travel * (self.covariance + moved) + growth * passed_s**2 / 3,
            fade * moved + growth * passed_s / 2,
            fade**2 * self.velocity_variance + growth,
        )

    def seen(self, box: Box) -> "Motion":
        """Corrected by a detection."""
        (x, y), total = box.centre, self.place_variance + jitter(box.size)
        gain, turn = self.place_variance / total, self.covariance / total
        return Motion(
            self.x + gain * (x - self.x),
            self.y + gain * (y - self.y),
            self.velocity_x + turn * (x - self.x),
            self.velocity_y + turn * (y - self.y),
            (1 - gain) * self.place_variance,
            (1 - gain) * self.covariance,
            self.velocity_variance - turn * self.covariance,
        )

    def distance(self, box: Box) -> float:
        """Pixels to the centre of a box."""
        x, y = box.centre
        return math.hypot(x - self.x, y - self.y)


def jitter(size: float) -> float:
    """Variance of the centre of a detection."""
    return (JITTER * size) ** 2
