"""Arrivals at the join, written down.

``F8`` is a face at 8 ms of camera ``a``, ``bF8`` one of camera ``b``; ``E`` a picture without a
face, ``O``, ``G`` and ``C`` are ``opened``, ``gap`` and ``closed`` of a camera. ``U10`` is an
utterance that ends at 10 ms and began 4 ms before. ``max_gap`` is 500 ms. Arrivals come in the
order of writing, whatever their times. ``F8#3`` has the number 3 in its camera; else it is 0.
"""

import re
from typing import Literal

from fusion.align import Aligner
from messaging.schema import UtteranceEmotion
from tests.fusion.messages import ended, face, mark, picture, started

TOKEN = re.compile(r"([ab]?)([FEOGCU])(\d+)(?:#(\d+))?")
MARKS: dict[str, Literal["opened", "gap", "closed"]] = {"O": "opened", "G": "gap", "C": "closed"}


def arrive(aligner: Aligner, arrivals: str) -> list[UtteranceEmotion]:
    """The final results, in the order in which they were given out."""
    results: list[UtteranceEmotion] = []
    for token in arrivals.split():
        match = TOKEN.fullmatch(token)
        assert match, token
        camera, kind, ms, index = match[1] or "a", match[2], int(match[3]), int(match[4] or 0)
        if kind == "U":
            results += aligner.speech(started(ms - 4), 0)
            results += aligner.speech(ended(ms - 4, ms), 0)
        elif kind in MARKS:
            results += aligner.faces(mark(ms, MARKS[kind], camera, index=index))
        else:
            faces = [face()] if kind == "F" else []
            results += aligner.faces(picture(ms, *faces, camera=camera, index=index))
    return [result for result in results if result.final]
