"""WebVTT and SRT: the voice's label while it speaks. Pure: text comes out.

WebVTT: https://www.w3.org/TR/webvtt1/. SRT has no standard; this is what players agree on.
"""

import re
from collections.abc import Iterator
from itertools import chain

from display.palette import EMOTION_COLOURS, PANEL
from offline.annotations import Annotations, Spoken, one_line


def webvtt(annotations: Annotations, name: str) -> str:
    """Cues are called after their utterances; a cue's class is its label, for styles."""
    return "\n".join(_webvtt(annotations, name))


def _webvtt(annotations: Annotations, name: str) -> Iterator[str]:
    yield "WEBVTT"
    yield ""
    yield "NOTE"
    yield _without_arrow(one_line(f"Emotions of the utterances in {name}."))
    yield "Each takes its label from the face that is nearest in time; made with emofuse."
    yield ""
    yield "STYLE"
    yield f"::cue {{ background-color: {PANEL}; }}"
    for emotion, colour in EMOTION_COLOURS.items():
        yield f"::cue(.{emotion}) {{ color: {colour}; }}"
    yield ""
    for microphone, spoken in _by_time(annotations):
        yield _without_arrow(one_line(spoken.result.id))
        yield f"{_clock(spoken.start_ms, '.')} --> {_clock(spoken.end_ms, '.')}"
        voice = f"<v {_escaped(one_line(microphone)).replace('&gt;', '')}>" if microphone else ""
        label = spoken.result.label
        text = _escaped(spoken.caption)
        yield voice + (f"<c.{label}>{text}</c>" if label else text)
        yield ""


def srt(annotations: Annotations) -> str:
    """Colours are said with ``font``, which most players know."""
    return "\n".join(_srt(annotations))


def _srt(annotations: Annotations) -> Iterator[str]:
    for number, (microphone, spoken) in enumerate(_by_time(annotations), 1):
        yield str(number)
        yield f"{_clock(spoken.start_ms, ',')} --> {_clock(spoken.end_ms, ',')}"
        label = spoken.result.label
        text = spoken.caption
        said = f'<font color="{EMOTION_COLOURS[label]}">{text}</font>' if label else text
        yield f"{one_line(microphone)}: {said}" if microphone else said
        yield ""


def _by_time(annotations: Annotations) -> list[tuple[str, Spoken]]:
    """With the microphone's name where there are several."""
    several = len(annotations.utterances) > 1
    cues = chain.from_iterable(
        ((microphone if several else "", spoken) for spoken in tier)
        for microphone, tier in annotations.utterances.items()
    )
    return sorted(cues, key=lambda cue: (cue[1].start_ms, cue[1].end_ms))


def _clock(at_ms: int, point: str) -> str:
    seconds, ms = divmod(at_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"


def _without_arrow(text: str) -> str:
    """``-->`` would make a cue's times of it."""
    return re.sub("-{2,}>", "->", text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
