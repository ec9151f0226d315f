"""What a drawn face can show: how far each part of it is from rest."""

from dataclasses import astuple, dataclass
from typing import Self

from messaging.schema import Emotion


@dataclass(frozen=True, slots=True)
class Expression:
    """Displacements from the relaxed face; the units are pixels of the finished picture, and
    shares from 0 to 1 where it says so. In brackets: the action unit of the Facial Action Coding
    System (FACS) that comes closest.
    """

    corners_up: float = 0.0
    """Mouth corners [AU 12; below zero AU 15], -11 to 12."""
    mouth_wider: float = 0.0
    """Each corner outwards [AU 20; below zero AU 18], -9 to 9."""
    mouth_open: float = 0.0
    """Gap between the lips [AU 25, 26, 27], 0 to 30."""
    lips_pressed: float = 0.0
    """Share by which the lips get thinner [AU 24]; below zero fuller, -0.6 to 1."""
    upper_lip_up: float = 0.0
    """[AU 10], 0 to 6."""
    inner_brow_up: float = 0.0
    """[AU 1; below zero AU 4], -13 to 13."""
    middle_brow_up: float = 0.0
    """-7 to 10."""
    outer_brow_up: float = 0.0
    """[AU 2], -6 to 8."""
    brows_together: float = 0.0
    """Each brow's inner end towards the mid-line [AU 4], -3 to 7."""
    upper_lid_up: float = 0.0
    """[AU 5; below zero AU 43], -5 to 6."""
    lower_lid_up: float = 0.0
    """[AU 7], -2 to 4."""
    nose_wrinkled: float = 0.0
    """Share [AU 9]."""
    cheeks_up: float = 0.0
    """Share [AU 6]."""
    mouth_folds: float = 0.0
    """Share of the folds from the nose to the mouth's corners [AU 11]."""
    frown_lines: float = 0.0
    """Share of the lines between the brows [AU 4]."""
    forehead_lines: float = 0.0
    """Share [AU 1 and 2]."""

    def towards(self, other: Self, share: float) -> Self:
        """The expression on the straight way to ``other``: 0 is this one, 1 the other."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return type(self)(*(start + (end - start) * share for start, end in pairs))


# Set by hand, then moved by an evolution strategy until the face classifier (mini_XCEPTION) reads
# each one as its name, still, talking and tilted, in the crops of BlazeFace and of the Haar
# cascade, and held near the hand-set values meanwhile. Change the drawing, the crop or the
# classifier, and they have to be fitted again: docs/accuracy.md says what that means.
EXPRESSIONS: dict[Emotion, Expression] = {
    "happy": Expression(
        corners_up=12.3,
        mouth_wider=9,
        mouth_open=3.3,
        lips_pressed=-0.13,
        upper_lip_up=4,
        inner_brow_up=-1.4,
        middle_brow_up=2.8,
        outer_brow_up=-0.8,
        upper_lid_up=-1.6,
        lower_lid_up=2.3,
        cheeks_up=1,
        mouth_folds=0.95,
    ),
    "neutral": Expression(
        corners_up=2.2,
        mouth_wider=-0.3,
        lips_pressed=-0.35,
        inner_brow_up=-2.2,
        middle_brow_up=1.9,
        outer_brow_up=0.6,
        brows_together=-1.6,
        upper_lid_up=-2.6,
        lower_lid_up=1.8,
    ),
    "surprise": Expression(
        corners_up=-0.6,
        mouth_wider=-8.2,
        mouth_open=23.3,
        upper_lip_up=0.4,
        inner_brow_up=5.9,
        middle_brow_up=8.5,
        outer_brow_up=5.4,
        brows_together=-0.2,
        upper_lid_up=3.8,
        lower_lid_up=-0.3,
        mouth_folds=0.02,
        forehead_lines=0.39,
    ),
    "sad": Expression(
        corners_up=-10.3,
        mouth_wider=1.2,
        lips_pressed=-0.33,
        inner_brow_up=11.5,
        middle_brow_up=-1.6,
        outer_brow_up=-3.2,
        brows_together=1.4,
        upper_lid_up=-3.4,
        lower_lid_up=0.3,
        frown_lines=0.18,
        forehead_lines=0.28,
    ),
    "angry": Expression(
        corners_up=-7.9,
        mouth_wider=-5.6,
        mouth_open=4.7,
        lips_pressed=-0.44,
        upper_lip_up=3.5,
        inner_brow_up=-13,
        middle_brow_up=-3.3,
        outer_brow_up=6.1,
        brows_together=5.7,
        upper_lid_up=-2.6,
        nose_wrinkled=0.37,
        cheeks_up=0.03,
        mouth_folds=0.65,
        frown_lines=0.98,
    ),
    "fear": Expression(
        corners_up=-7.2,
        mouth_wider=5.4,
        mouth_open=9.3,
        lips_pressed=-0.29,
        inner_brow_up=11.4,
        middle_brow_up=-3.9,
        outer_brow_up=0.5,
        brows_together=3,
        upper_lid_up=5.7,
        lower_lid_up=0.2,
        mouth_folds=0.15,
        frown_lines=0.43,
        forehead_lines=0.6,
    ),
}
