"""The terminal's picture of a scene, made with rich. Pure: scene and size in, renderable out."""

from collections.abc import Sequence

from rich.box import ROUNDED
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from display.palette import EMOTION_COLOURS, FAINT, INK, RECORDING, TRACK, WARNING
from display.scene import CameraScene, Scene, SessionScene, VoiceScene
from display.signs import clock, recorder_warning
from messaging.observer import NodeRow
from messaging.schema import EMOTIONS, Face, UtteranceEmotion
from messaging.text import plain

QUIET_DBFS = -60.0
"""The left end of the level meter."""
FACE_WIDTH = 34
SMALLEST = (60, 20)
"""Columns and lines that the panels need."""
LONGEST_MARKER = 40


def render(scene: Scene, width: int, height: int) -> RenderableType:
    """The whole view for a terminal of ``width`` x ``height`` characters; all of it from 80x24 up,
    the essentials on less.
    """
    head = (_header(scene), *_progress(scene.session, width))
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Group(*head, _voices(scene.voices), _cameras(scene.cameras, width))
    height -= len(head)
    voices_height = 2 + 2 * max(1, len(scene.voices))
    upper = max(13, voices_height + len(scene.nodes) + 3)
    upper = min(upper, height - 5)
    left_width = width // 2
    layout = Layout()
    layout.split_column(
        Layout(Group(*head), size=len(head)),
        Layout(name="now", size=upper),
        Layout(
            _panel("utterances", _utterances(scene, width - 4, height - upper - 3), _keys(scene))
        ),
    )
    right = Layout(name="right")
    layout["now"].split_row(
        Layout(_panel("faces", _cameras(scene.cameras, left_width - 4)), size=left_width), right
    )
    right.split_column(
        Layout(_panel("voice", _voices(scene.voices)), size=voices_height),
        Layout(_panel("nodes", _nodes(scene.nodes))),
    )
    return layout


def utterance_line(scene: Scene, utterance: UtteranceEmotion) -> str:
    """One final utterance as a line of plain text."""
    onset, offset, label, share, distance, status = _utterance_cells(scene, utterance)
    return (
        f"{onset:>8} - {offset:>8} s  {label:<8} {share:>4}  {distance:>8}  {status}"
        f"  {plain(utterance.source)}"
    )


def shortened(text: str, most: int) -> str:
    """``text``, or as much of it as ``most`` letters hold, with two dots at its end."""
    return text if len(text) <= most else text[: most - 2] + ".."


def _panel(title: str, content: RenderableType, hint: str = "") -> Panel:
    return Panel(
        content,
        title=title,
        title_align="left",
        subtitle=hint or None,
        subtitle_align="right",
        box=ROUNDED,
        border_style=TRACK,
        padding=(0, 1),
    )


def _header(scene: Scene) -> Text:
    """Recording and markers before all else, since what does not fit is cut; what was lost; name,
    rate and latency of each camera.
    """
    line = Text(no_wrap=True, overflow="crop")
    session = scene.session
    if session.recorded_s is not None:
        line.append(f" REC {clock(session.recorded_s)} ", style=f"bold white on {RECORDING}")
        line.append("  ")
    elif session.recorder_silent_s is not None:
        line.append(recorder_warning(session.recorder_silent_s), style=f"bold {WARNING}")
        line.append("  ")
    if session.marker:
        line.append("> ", style=WARNING)
        line.append(shortened(plain(session.marker), LONGEST_MARKER), style="bold")
        line.append("  ")
    line.append("emofuse", style="bold")
    for loss in scene.losses:
        line.append(f"   {loss}", style=WARNING)
    for camera in scene.cameras:
        line.append(f"   {plain(camera.source)}", style="bold")
        line.append(f" {camera.rate_hz:.1f}/s", style=FAINT)
        if camera.latency_ms is not None:
            line.append(f"  {camera.latency_ms:.0f} ms", style=FAINT)
        if camera.inference_ms is not None:
            line.append(f", inference {camera.inference_ms:.0f} ms", style=FAINT)
    return line


def _progress(session: SessionScene, width: int) -> tuple[RenderableType, ...]:
    """How much of a session or file is played: a line, or none where nothing is."""
    if session.played is None:
        return ()
    state = "paused" if session.is_paused else "playing"
    row = Table.grid(padding=(0, 1))
    for _ in range(3):
        row.add_column(no_wrap=True)
    row.add_row(
        Text(state, style=f"bold {INK}" if session.is_paused else FAINT),
        _bar(session.played, "white", width - len(state) - 7),
        Text(f"{session.played:.0%}".rjust(4), style=FAINT),
    )
    return (row,)


def _keys(scene: Scene) -> str:
    """What the keys do now."""
    session = scene.session
    keys = ["r stops recording" if session.recorded_s is not None else "r records", "m marks"]
    if session.has_player:
        keys.append("space goes on" if session.is_paused else "space pauses")
    return ", ".join((*keys, "q quits"))


def _cameras(cameras: Sequence[CameraScene], width: int) -> RenderableType:
    if not cameras:
        return Text("waiting for pictures", style=FAINT)
    parts: list[RenderableType] = []
    for camera in cameras:
        if len(cameras) > 1:
            parts.append(Text(plain(camera.source), style="bold"))
        if camera.note:
            parts.append(Text(plain(camera.note), style=WARNING if camera.is_warning else FAINT))
        faces = sorted(camera.faces, key=lambda face: (-face.area, face.track))
        face_width = min(width, FACE_WIDTH)
        parts.append(Columns([_face(face, face_width) for face in faces], padding=(0, 2)))
    return Group(*parts)


def _face(face: Face, width: int) -> RenderableType:
    """A title and seven bars."""
    title = Text.assemble(
        (face.label, f"bold {EMOTION_COLOURS[face.label]}"),
        f" {max(face.probabilities):.0%}",
        (f"  #{face.track}", FAINT),
    )
    bars = Table.grid(padding=(0, 1))
    for emotion, probability in zip(EMOTIONS, face.probabilities, strict=True):
        bars.add_row(
            Text(emotion, style="" if emotion == face.label else FAINT),
            _bar(probability, EMOTION_COLOURS[emotion], width - 15),
            Text(f"{probability:.0%}".rjust(4), style=FAINT),
        )
    return Group(title, bars)


def _bar(share: float, colour: str, width: int) -> ProgressBar:
    return ProgressBar(
        total=1.0,
        completed=min(1.0, max(0.0, share)),
        width=max(4, width),
        style="grey23",
        complete_style=colour,
        finished_style=colour,
    )


def _voices(voices: Sequence[VoiceScene]) -> RenderableType:
    if not voices:
        return Text("waiting for sound", style=FAINT)
    return Group(*(line for voice in voices for line in _voice(voice)))


def _voice(voice: VoiceScene) -> tuple[RenderableType, RenderableType]:
    """Two lines: what is heard, and what the latest utterance was."""
    if voice.note:
        state = Text(plain(voice.note), style=WARNING)
    elif voice.spoken_s is not None:
        state = Text(f"speaking... {voice.spoken_s:.1f} s", style="bold")
    else:
        state = Text("quiet", style=FAINT)
    state.no_wrap = True
    meter = Table.grid(padding=(0, 1))
    meter.add_row(_bar(1 - voice.level_dbfs / QUIET_DBFS, FAINT, 8), _bar(voice.speech, "white", 6))
    meter.columns[0].no_wrap = True
    heard = Table.grid(padding=(0, 1))
    heard.add_row(meter, state)
    return heard, _spoken(voice)


def _spoken(voice: VoiceScene) -> Text:
    utterance = voice.utterance
    line = Text(plain(voice.source), style=FAINT, no_wrap=True, overflow="crop")
    if utterance is None:
        return line
    line.append("  ")
    if utterance.label is None or utterance.probabilities is None:
        line.append(utterance.status.replace("_", " "), style=FAINT)
    else:
        line.append(utterance.label, style=f"bold {EMOTION_COLOURS[utterance.label]}")
        line.append(f" {max(utterance.probabilities):.0%}", style="default")
    line.append("  so far" if voice.age_s is None else f"  {voice.age_s:.1f} s ago")
    return line


def _nodes(nodes: Sequence[NodeRow]) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    for _ in range(2):
        table.add_column(no_wrap=True, overflow="crop")
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    table.add_row(*(Text(title, style=FAINT) for title in ("", "", "cpu", "MB", "drop/lost")))
    for node in nodes:
        table.add_row(
            Text(plain(node.name)),
            _state(node),
            "" if node.cpu is None else f"{node.cpu:.0%}",
            f"{node.beat.rss_bytes / 1e6:.0f}",
            Text(f"{node.overtaken}/{node.lost}", style=WARNING if node.lost else FAINT),
        )
    return table


def _state(node: NodeRow) -> Text:
    if node.is_silent:
        return Text(f"silent {node.silent_ns / 1e9:.0f} s", style=WARNING)
    return Text("closed" if node.is_closed else node.beat.state, style=FAINT)


def _utterances(scene: Scene, width: int, rows: int) -> RenderableType:
    """The latest ``rows`` utterances; provisional ones in faint letters."""
    if not scene.utterances:
        return Text("none yet", style=FAINT)
    table = Table.grid(padding=(0, 2))
    for justify in ("right", "right", "left", "right", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    with_bar = width >= 76
    titles = ("from", "to (s)", "label", "", "dt", "status", *([""] if with_bar else []))
    table.add_row(*(Text(title, style=FAINT) for title in titles))
    for utterance in scene.utterances[-max(1, rows) :]:
        onset, offset, label, share, distance, status = _utterance_cells(scene, utterance)
        colour = EMOTION_COLOURS[utterance.label] if utterance.label else FAINT
        row: list[RenderableType] = [onset, offset, Text(label, style=f"bold {colour}"), share]
        row += [distance, Text(status, style=FAINT)]
        if with_bar:
            row.append(_bar(max(utterance.probabilities or (0.0,)), colour, width - 62))
        table.add_row(*row, style="" if utterance.final else "dim")
    return table


def _utterance_cells(
    scene: Scene, utterance: UtteranceEmotion
) -> tuple[str, str, str, str, str, str]:
    """Onset, offset, label, probability, dt, status."""
    status = utterance.status.replace("_", " ")
    if not utterance.final:
        status = "so far"
    elif not utterance.settled:
        status += ", not settled"
    return (
        f"{scene.seconds(utterance.onset):.2f}",
        f"{scene.seconds(utterance.offset):.2f}" if utterance.offset else "...",
        utterance.label or "-",
        f"{max(utterance.probabilities):.0%}" if utterance.probabilities else "",
        f"{utterance.dt_ns / 1e6:+.0f} ms" if utterance.dt_ns is not None else "",
        status,
    )
