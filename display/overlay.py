"""Paints a scene: faces with their emotions over the picture, the voice below. Pure.

Everything scales with the picture's size, from 320x240 to 1920x1080 and beyond, and nothing is
written past an edge.
"""

import cv2
import numpy as np

from display.chips import Measures, Run, paint_bar, paint_chip, paint_panel, width_of
from display.layout import Box, best_place, face_box, fitted, places_around, tag_places, tiles
from display.paint import elide, outline, text_width, write
from display.palette import EMOTION_COLOURS, FAINT, INK, WARNING, Colour, bgr
from display.scene import CameraScene, Picture, Scene, VoiceScene
from display.signs import paint_help, paint_marker, paint_progress, progress_height, standing_signs
from messaging.schema import EMOTIONS, Face, UtteranceEmotion

BACKGROUND_LEVEL = 12
DEFAULT_SIZE = (640, 480)
MAX_HIDDEN = 0.2
"""The bars of one face of several are left out where they would hide more than this share of
their own size, counted as ``best_place`` does.
"""
QUIET_DBFS = -60.0
"""The left end of the level meter; a quiet room lies there."""
MOST_VOICES = 3
"""Lines of the panel below; how many more microphones there are is said."""
STATUS_TEXT = {"no_face": "no face", "gap_exceeded": "no picture", "late": "too late"}
"""What is said where an utterance has no label."""


def paint(scene: Scene, size: tuple[int, int] | None = None) -> Picture:
    """The scene on a new picture of ``size`` (width, height).

    Without ``size``: as large as the first camera's picture. The pictures in ``scene`` stay as
    they are. Several cameras stand side by side.
    """
    first = next((c.picture for c in scene.cameras if c.picture is not None), None)
    native = DEFAULT_SIZE if first is None else (first.shape[1], first.shape[0])
    width, height = size or native
    canvas: Picture = np.empty((height, width, 3), np.uint8)
    canvas.fill(BACKGROUND_LEVEL)
    bounds = Box(0, 0, width, height)
    measures = Measures.of(width, height)
    session, bar_height = scene.session, progress_height(scene.session, measures)
    voices = _voices_box(scene, bounds._replace(height=height - bar_height), measures)
    signs = standing_signs(session, bounds, voices.top, measures)
    taken = [voices, *(sign.box for sign in signs)]
    if scene.cameras:
        places = tiles(len(scene.cameras), bounds)
        for camera, place in zip(scene.cameras, places, strict=True):
            taken += _paint_camera(canvas, camera, place, voices, taken)
    else:
        _note(canvas, "waiting for pictures", INK, measures, taken)
    taken += _losses(canvas, scene, measures, voices.top)
    _paint_voices(canvas, scene.voices, voices, measures)
    if session.marker:
        paint_marker(canvas, session.marker, voices.top, measures, taken)
    paint_progress(canvas, session, Box(0, height - bar_height, width, bar_height))
    paint_help(canvas, scene.help, measures)
    for sign in signs:
        sign.paint(canvas)
    return canvas


def _paint_camera(
    canvas: Picture, camera: CameraScene, tile: Box, voices: Box, signs: list[Box]
) -> list[Box]:
    """One camera in its tile; ``voices`` and ``signs`` are kept free of the faces' panels.

    Returns what they and the faces take of the canvas.
    """
    place = fitted(camera.width, camera.height, tile) if camera.width and camera.height else tile
    view = canvas[place.top : place.bottom, place.left : place.right]
    if camera.picture is not None:
        shrinks = place.width < camera.picture.shape[1]
        cv2.resize(camera.picture, (place.width, place.height), dst=view,
                   interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # fmt: skip
    measures = Measures.of(place.width, place.height)
    taken = [sign.moved(-place.left, -place.top) for sign in signs]
    if not measures.is_tiny:
        taken.append(_status(view, camera, measures, taken))
    margin = measures.pad
    floor = min(place.height, voices.top - place.top) - margin
    free = Box(margin, margin, place.width - 2 * margin, floor - margin)
    taken = _paint_faces(view, camera, measures, free, taken)
    if camera.note:
        _note(view, camera.note, WARNING if camera.is_warning else INK, measures, taken)
    return [box.moved(place.left, place.top) for box in taken]


def _status(view: Picture, camera: CameraScene, measures: Measures, taken: list[Box]) -> Box:
    """Name, rate and latency, top left, as far as there is room beside what is ``taken``."""
    figures = f"{camera.rate_hz:.1f}/s"
    if camera.latency_ms is not None:
        figures += f"  {camera.latency_ms:.0f} ms"
    line = Box(0, measures.pad, view.shape[1], measures.line + measures.pad)
    end = min((box.left for box in taken if box.overlap(line)), default=line.right)
    room = end - 4 * measures.pad - text_width("  " + figures, measures.text)
    name = elide(camera.source, measures.text, room, bold=True)
    runs = [(name + "  " if name else "", bgr(INK), True), (figures, bgr(FAINT), False)]
    return paint_chip(view, runs, (measures.pad, measures.pad), measures)


def _note(view: Picture, text: str, colour: str, measures: Measures, taken: list[Box]) -> None:
    """A line in the middle of the upper third, or wherever it hides least."""
    text = elide(text, measures.text, view.shape[1] - 4 * measures.pad)
    width = text_width(text, measures.text) + 2 * measures.pad
    height = measures.line + measures.pad
    bounds = Box(0, 0, view.shape[1], view.shape[0])
    middle, far = (bounds.width - width) // 2, bounds.width - width - measures.pad
    upper = bounds.height // 6 + measures.line
    places = [Box(middle, upper, width, height), Box(far, measures.pad, width, height),
              Box(far, upper, width, height)]  # fmt: skip
    place, _ = best_place(places, bounds, Box(0, 0, 0, 0), (), taken)
    paint_chip(view, [(text, bgr(colour), False)], (place.left, place.top), measures)


def _losses(canvas: Picture, scene: Scene, measures: Measures, floor: int) -> list[Box]:
    """Overtaken pictures and lost messages, above the voice, when there are any."""
    if not scene.losses:
        return []
    text = elide(", ".join(scene.losses), measures.text, canvas.shape[1] - 4 * measures.pad)
    left = canvas.shape[1] - text_width(text, measures.text) - 3 * measures.pad
    top = floor - measures.line - 2 * measures.pad
    return [paint_chip(canvas, [(text, bgr(WARNING), False)], (left, top), measures)]


def _paint_faces(
    view: Picture, camera: CameraScene, measures: Measures, free: Box, taken: list[Box]
) -> list[Box]:
    """First all outlines, then all labels, then the bars: what matters most gets its place first,
    and larger faces before smaller ones. Panels stay inside ``free`` and keep off what is
    ``taken``; returns all that is taken now.
    """
    frame = Box(0, 0, view.shape[1], view.shape[0])
    scale = view.shape[1] / max(1, camera.width)
    largest_first = sorted(camera.faces, key=lambda face: (-face.area, face.track))
    boxed = [(face, face_box(face.box, scale, frame)) for face in largest_first]
    boxed = [(face, box) for face, box in boxed if box.area > 0]
    for face, box in boxed:
        colour = bgr(EMOTION_COLOURS[face.label])
        outline(view, box, colour, 2 * measures.pad, measures.stroke)
    boxes = [box for _, box in boxed]
    taken = list(taken)
    for place, (face, box) in enumerate(boxed):
        others = boxes[:place] + boxes[place + 1 :]
        taken.append(_paint_tag(view, face, box, others, taken, free, measures))
    bars = _bars_box(measures)
    past_label = 2 * measures.line if len(boxed) == 1 else 0  # of several, others are there
    for place, (face, box) in enumerate(boxed):
        others = boxes[:place] + boxes[place + 1 :]
        around = [
            place.moved(0, down)
            for down in (0, past_label, -past_label)
            for place in places_around(box, bars.width, bars.height, measures.pad)
        ]
        panel, hidden = best_place(around, free, box, others, taken)
        is_worth_it = len(boxed) == 1 or hidden <= MAX_HIDDEN * panel.area
        if panel.cut_to(free) == panel and is_worth_it and not measures.is_tiny:
            _paint_bars(view, face, panel, measures)
            taken.append(panel)
    return [*taken, *boxes]


def _paint_tag(
    view: Picture,
    face: Face,
    box: Box,
    others: list[Box],
    taken: list[Box],
    free: Box,
    measures: Measures,
) -> Box:
    """Label, probability and track."""
    runs: list[Run] = [
        (f"{face.label} ", bgr(EMOTION_COLOURS[face.label]), True),
        (f"{max(face.probabilities):.0%} ", bgr(INK), False),
        (f"#{face.track}", bgr(FAINT), False),
    ]
    while len(runs) > 1 and width_of(runs, measures) > free.width - 2 * measures.pad:
        runs.pop()
    width = width_of(runs, measures) + 2 * measures.pad
    height = measures.line + measures.pad
    places = tag_places(box, width, height, measures.pad // 2)
    place, _ = best_place(places, free, box, others, taken)
    return paint_chip(view, runs, (place.left, place.top), measures)


def _bars_box(measures: Measures) -> Box:
    """The size of the panel with the seven probabilities; its place is still open."""
    names = max(text_width(emotion, _small(measures)) for emotion in EMOTIONS)
    row = _row(measures)
    return Box(0, 0, names + 4 * measures.text + 3 * measures.pad,
               row * len(EMOTIONS) + 2 * measures.pad)  # fmt: skip


def _small(measures: Measures) -> int:
    return max(8, round(measures.text * 0.8))


def _row(measures: Measures) -> int:
    return round(_small(measures) * 1.25)


def _paint_bars(view: Picture, face: Face, place: Box, measures: Measures) -> None:
    """The seven probabilities, in the wire's order, so that each keeps its place."""
    paint_panel(view, place, measures)
    size, row, pad = _small(measures), _row(measures), measures.pad
    thick = max(3, round(row * 0.4))
    length = 4 * measures.text
    left = place.right - pad - length
    for number, (emotion, probability) in enumerate(zip(EMOTIONS, face.probabilities, strict=True)):
        top = place.top + pad + number * row
        colour = bgr(INK if emotion == face.label else FAINT)
        write(view, emotion, place.left + pad, top, size, colour)
        bar = Box(left, top + (row - thick) // 2, length, thick)
        paint_bar(view, bar, probability, bgr(EMOTION_COLOURS[emotion]))


def _voices_box(scene: Scene, bounds: Box, measures: Measures) -> Box:
    """The panel at the bottom: a line for each microphone, three at most."""
    lines = min(MOST_VOICES, len(scene.voices))
    margin = measures.pad
    height = lines * (measures.line + measures.pad) + measures.pad if lines else 0
    top = max(0, bounds.bottom - margin - height)
    return Box(margin, top, bounds.width - 2 * margin, height)


def _paint_voices(
    canvas: Picture, voices: tuple[VoiceScene, ...], box: Box, measures: Measures
) -> None:
    """Each line begins with its microphone's name where there are several."""
    if not voices:
        return
    paint_panel(canvas, box, measures)
    text, pad = measures.text, measures.pad
    shown, more = voices[:MOST_VOICES], f"+{len(voices) - MOST_VOICES}"
    left, right = box.left + 2 * pad, box.right - 2 * pad
    if len(voices) > MOST_VOICES:
        right -= text_width(more, text)
        write(canvas, more, right, box.bottom - pad - measures.line, text, bgr(FAINT))
        right -= 2 * pad
    names = [elide(v.source, text, (right - left) // 4) if len(voices) > 1 else "" for v in shown]
    column = max(text_width(name, text) for name in names)
    indent = column + 2 * pad if column else 0
    for number, (voice, name) in enumerate(zip(shown, names, strict=True)):
        top = box.top + pad + number * (measures.line + pad)
        write(canvas, name, left, top, text, bgr(FAINT))
        line = Box(left + indent, top, right - left - indent, measures.line)
        _paint_voice(canvas, voice, line, measures, caption="" if name else "voice  ")


def _paint_voice(
    canvas: Picture, voice: VoiceScene, line: Box, measures: Measures, caption: str
) -> None:
    left = _paint_meter(canvas, voice, line, measures) + 2 * measures.pad
    state, colour = _voice_state(voice)
    said = left + text_width(state, measures.text) + 2 * measures.pad
    right = _paint_utterance(canvas, voice, line, said, measures, caption)
    text = elide(state, measures.text, right - left - measures.pad)
    write(canvas, text, left, line.top, measures.text, colour)


def _paint_meter(canvas: Picture, voice: VoiceScene, line: Box, measures: Measures) -> int:
    """Level above, probability of speech below; returns where the meter ends."""
    width = min(8 * measures.text, line.width // 4)
    thick = max(3, measures.text // 3)
    gap = max(1, thick // 2)
    top = line.top + (line.height - 2 * thick - gap) // 2
    level = max(0.0, 1 - voice.level_dbfs / QUIET_DBFS)
    paint_bar(canvas, Box(line.left, top, width, thick), level, bgr(FAINT))
    paint_bar(canvas, Box(line.left, top + thick + gap, width, thick), voice.speech, bgr(INK))
    return line.left + width


def _voice_state(voice: VoiceScene) -> tuple[str, Colour]:
    if voice.note:
        return voice.note, bgr(WARNING)
    if voice.spoken_s is not None:
        return f"speaking... {voice.spoken_s:.1f} s", bgr(INK)
    return "quiet", bgr(FAINT)


def _paint_utterance(
    canvas: Picture, voice: VoiceScene, line: Box, left: int, measures: Measures, caption: str
) -> int:
    """``caption``, the last label and its age, flush right, and as much of it as fits right of
    ``left``; returns where it begins.
    """
    if voice.utterance is None:
        return line.right
    label, share, age = _utterance_runs(voice.utterance, voice.age_s)
    title: Run = (caption, bgr(FAINT), False)
    for runs in ([title, label, share, age], [label, share, age], [label, share], [label]):
        start = line.right - width_of(runs, measures)
        if start >= left:
            break
    at = start
    for text, colour, bold in runs:
        at = write(canvas, text, at, line.top, measures.text, colour, bold=bold)
    return start


def _utterance_runs(utterance: UtteranceEmotion, age_s: float | None) -> tuple[Run, Run, Run]:
    """Label, probability, age."""
    faint = bgr(FAINT)
    label: Run = (STATUS_TEXT.get(utterance.status, "..."), faint, False)
    share: Run = ("", faint, False)
    if utterance.label is not None and utterance.probabilities is not None:
        label = (utterance.label, bgr(EMOTION_COLOURS[utterance.label]), True)
        share = (f" {max(utterance.probabilities):.0%}", bgr(INK), False)
    age = _age(age_s) if age_s is not None or not utterance.final else ""
    return label, share, (f"  {age}", faint, False)


def _age(age_s: float | None) -> str:
    if age_s is None:
        return "so far"
    return f"{age_s:.1f} s ago" if age_s < 10 else f"{age_s:.0f} s ago"
