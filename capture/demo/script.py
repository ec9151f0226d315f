"""What happens when in the demo session, and what that looks like at any instant."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from capture.demo import Phase, Utterance
from capture.demo.canvas import smoothstep
from capture.demo.expressions import EXPRESSIONS, Expression
from capture.demo.portrait import Moment, Pose
from capture.demo.speech import RATE, Line, Sound, openness
from messaging.schema import Emotion

FPS = 25
TRANSITION_S = 0.32

PHASES = (
    Phase(0.0, 3.5, "happy"),
    Phase(3.5, 5.9, "neutral"),
    Phase(5.9, 9.2, "surprise"),
    Phase(9.2, 12.8, "sad"),
    Phase(12.8, 16.1, "angry"),
    Phase(16.1, 18.0, "fear"),
)
DURATION_S = PHASES[-1].end_s
FRAMES = round(DURATION_S * FPS)

# Each line ends well within its phase, since the face nearest its end gives the label.
LINES = (
    Line(0.5, "happy", "Hello! It is so good to see you again."),
    Line(6.4, "surprise", "What? I did not expect this at all."),
    Line(9.9, "sad", "I am sorry. It was a long day."),
    Line(13.4, "angry", "No! That is not what I asked for."),
)

SPOKEN_OPENING: dict[Emotion, float] = {"happy": 3.5, "surprise": -8, "sad": 4, "angry": 3.5}
"""Pixels by which a loud voice opens the mouth; below zero: by which a quiet one closes it."""
SPEAKING_RAMP_S = 0.12
"""The mouth gets ready so long before an utterance, and comes to rest so long after it."""

BLINKS_S = (0.25, 3.58, 5.98, 9.28, 11.3, 12.88, 16.18)
"""Where the lids are closed; most changes of expression hide behind a blink."""
BLINK_HALF_S = 0.065


def expression(t: float) -> Expression:
    """Without speech: a phase's own, or on the way to it."""
    k = max(k for k, phase in enumerate(PHASES) if k == 0 or phase.start_s <= t)
    shown = EXPRESSIONS[PHASES[k].label]
    if k == 0:
        return shown
    since = np.array((t - PHASES[k].start_s) / TRANSITION_S)
    return EXPRESSIONS[PHASES[k - 1].label].towards(shown, float(smoothstep(0, 1, since)))


def pose(t: float, voice: float) -> Pose:
    """A head is never still; periods of 2 to 13 s do not repeat within the session."""
    return Pose(
        right=1.6 * math.sin(0.9 * t) + 0.8 * math.sin(2.3 * t),
        down=0.9 * math.sin(1.3 * t + 1) + 0.9 * voice,
        roll=1.1 * math.sin(0.7 * t) + 0.4 * math.sin(2.9 * t),
        zoom=1 + 0.006 * math.sin(0.5 * t),
        yaw=2.2 * math.sin(0.8 * t + 0.5),
        pitch=1.2 * math.sin(1.1 * t) + voice,
    )


def lids_closed(t: float) -> float:
    return min(1.0, sum(math.exp(-(((t - blink) / BLINK_HALF_S) ** 4)) for blink in BLINKS_S))


def speaking(t: float, utterance: Utterance) -> float:
    """1 within the utterance, 0 far from it."""
    away = max(utterance.onset_s - t, t - utterance.offset_s)
    return 1 - float(smoothstep(0, SPEAKING_RAMP_S, np.array(away)))


class Performance:
    """The script, spoken: ``sound`` holds the utterances, and moves the mouth."""

    def __init__(self, sound: Sound, utterances: Sequence[Utterance]) -> None:
        self._openness = openness(sound)
        self._utterances = utterances

    def moment(self, frame: int) -> Moment:
        t = frame / FPS
        voice = float(self._openness[min(round(t * RATE), len(self._openness) - 1)])
        still = expression(t)
        opening = sum(
            speaking(t, utterance) * _opening(SPOKEN_OPENING[utterance.label], voice)
            for utterance in self._utterances
        )
        return Moment(
            replace(still, mouth_open=max(0.0, still.mouth_open + opening)),
            pose(t, voice),
            lids_closed(t),
            gaze=(0.8 * math.sin(0.6 * t), 0.4 * math.sin(0.9 * t)),
        )


def _opening(pixels: float, voice: float) -> float:
    return pixels * voice if pixels >= 0 else pixels * (1 - voice)
