"""Random streams, as cameras and microphones may send them, and the orders in which they arrive."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from hypothesis import strategies as st

from messaging.schema import Face, FaceEmotions, Probabilities, SpeechEvent, Stamp
from tests.fusion.messages import MS, ended, mark, said, started

Message = FaceEmotions | SpeechEvent

GRID_MS = 10
"""Coarse, so that equal distances and equal stamps are frequent."""
END_MS = 420


@dataclass(frozen=True)
class Scene:
    """What every source sends, in its own order; ``opened`` comes first, ``closed`` last."""

    cameras: Mapping[str, Sequence[FaceEmotions]]
    microphones: Mapping[str, Sequence[SpeechEvent]]

    @property
    def faces(self) -> list[FaceEmotions]:
        return [message for stream in self.cameras.values() for message in stream]


def vector(*weights: int) -> Probabilities:
    return cast("Probabilities", tuple(weight / sum(weights) for weight in weights))


VECTORS = (
    vector(1, 1, 1, 1, 1, 1, 1),
    vector(1, 2, 3, 4, 5, 6, 7),
    vector(7, 1, 1, 7, 1, 1, 7),
    vector(1, 1, 1, 90, 1, 1, 1),
    vector(1, 1, 1, 1, 1, 1, 9_999_999),
)

boxes = st.tuples(st.just(0.0), st.just(0.0), st.sampled_from((20.0, 50.0)), st.just(50.0))
faces = st.tuples(st.integers(0, 3), boxes, st.just(0.9), st.sampled_from(VECTORS)).map(
    lambda fields: Face(*fields)
)


@st.composite
def camera(draw: st.DrawFn, name: str, *, exact: bool) -> list[FaceEmotions]:
    """Pictures with none to three faces and gaps, with jitter down to a nanosecond; the camera
    opens early or late. Where ``exact`` is asked for all but an early opening is on the grid.

    Of what it numbered some pictures are missing, at most as many as there was time for. A gap
    stands for a picture that is unreadable, or for none.
    """
    opening = -5 if exact else draw(st.sampled_from((-5, *range(0, END_MS, GRID_MS))))
    jitters = (0,) if exact else (0, 0, 0, 1, -1, 4 * MS)
    instants = draw(
        st.lists(
            st.tuples(st.integers(0, END_MS // GRID_MS), st.sampled_from(jitters)),
            max_size=14,
            unique=True,
        )
    )
    stream = [mark(opening, "opened", name)]
    times_ns = {at * GRID_MS * MS + jitter for at, jitter in instants}
    shown_ns, index = opening * MS - 1, 0
    for at_ns in sorted(at_ns for at_ns in times_ns if at_ns >= opening * MS):
        is_gap = draw(st.integers(0, 7)) == 0
        index += min(at_ns - shown_ns - 1, draw(st.sampled_from((0, 0, 0, 1, 3))))
        stream.append(
            FaceEmotions(
                Stamp(at_ns, "test", bound_ns=draw(st.sampled_from((0, 5, None)))),
                name,
                index,
                event="gap" if is_gap else "analysed",
                faces=() if is_gap else tuple(draw(st.lists(faces, max_size=3))),
                interval_ns=draw(st.sampled_from((0, 33_366_700))),
                detector=f"detector of {name}",
                classifier=f"classifier of {name}",
            )
        )
        shown_ns = at_ns
        index += not is_gap or draw(st.booleans())
    index += draw(st.sampled_from((0, 0, 2)))
    stream.append(mark(shown_ns / MS + 1, "closed", name, index=index))
    return stream


@st.composite
def microphone(draw: st.DrawFn, name: str, cameras: Sequence[str]) -> list[SpeechEvent]:
    """Utterances one after another; some never end, since the microphone was started again or the
    word of their end was lost.
    """
    assigned = tuple(draw(st.lists(st.sampled_from(cameras), unique=True)))
    opened = said(-5, "opened", name, cameras=assigned)
    instants = draw(st.lists(st.integers(0, END_MS // GRID_MS), max_size=8, unique=True))
    times = [at * GRID_MS for at in sorted(instants)]
    stream = [opened]
    for onset, offset in zip(times[::2], times[1::2], strict=False):
        stream.append(started(onset, name))
        if draw(st.booleans()):
            stream.append(said((onset + offset) / 2, "analysed_until", name))
        match draw(st.sampled_from(("told", "told", "told", "told", "lost", "restarted"))):
            case "told":
                stream.append(ended(onset, offset, name))
            case "restarted":
                stream.append(said(offset, "opened", name, cameras=assigned))
            case _:
                pass
        if draw(st.booleans()):
            stream.append(said(offset + 1, "analysed_until", name))
    stream.append(said(END_MS + 5, "closed", name))
    return stream


@st.composite
def scenes(draw: st.DrawFn, *, exact: bool = False) -> Scene:
    cameras = "abc"[: draw(st.integers(1, 3))]
    microphones = "mn"[: draw(st.integers(1, 2))]
    return Scene(
        {name: draw(camera(name, exact=exact)) for name in cameras},
        {name: draw(microphone(name, cameras)) for name in microphones},
    )


@st.composite
def arrivals(draw: st.DrawFn, scene: Scene) -> list[Message]:
    """One order of arrival that keeps each source's own; all have opened before the rest."""
    streams: list[Sequence[Message]] = [*scene.cameras.values(), *scene.microphones.values()]
    chance = random.Random(draw(st.integers(0, 2**32)))
    left = [list(stream[1:]) for stream in streams]
    opened: list[Message] = [stream[0] for stream in streams]
    chance.shuffle(opened)
    chance.shuffle(left)
    turns = [turn for turn, stream in enumerate(left) for _ in stream]
    if draw(st.booleans()):  # else one source after another
        chance.shuffle(turns)
    return opened + [left[turn].pop(0) for turn in turns]
