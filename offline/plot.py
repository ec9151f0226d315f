"""A recording on one page: what faces show over time, what voices carry, and the shares of both.

Every emotion has a row of its own, so that the page reads without colours, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import figure as mpl_figure
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from messaging.schema import EMOTIONS, UtteranceEmotion
from offline.annotations import NO_LABEL as WHY
from offline.annotations import one_line
from offline.print_palette import NO_LABEL, PRINT_COLOURS
from offline.series import Lane, Numbers, Series, Track, running_mean

Axes = Any
Figure = Any
"""Matplotlib's own types leave keyword arguments unknown."""

Width = Literal["page", "column"]
WIDTHS_IN: dict[Width, float] = {"page": 7.0, "column": 3.4}
"""Of the text of a page and of one of its two columns, inches."""
FONT_PT = 7.0
SMALL_PT = 6.0
INK, FAINT, RULE = "#1A1A1A", "#666666", "#D0D0D0"
SPEECH = "#EDEDED"
GAP_HATCH = "//////"
SEPARATOR = "  ·  "
COLUMN_LETTERS = 66
"""That fit into a line of a column."""
MOST_LANES = 5
LEAST_SHARE = 0.02
"""Lanes with less than this share of all the time that faces are seen are told of, not drawn."""
MOST_POINTS = 5_000
"""Above so many, what is drawn for each picture becomes pixels also in PDF and SVG."""
WINDOWS_S = (0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
STEPS_S = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Between the marks of a time axis in minutes."""
ROW_FILL = 0.8
"""Of a row's height that a probability of 1 takes."""
BAR = 0.11
"""Of a row's height, for the utterances with its label."""
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": FONT_PT,
    "text.parse_math": False,  # a dollar sign in a name or a marker is one
    "axes.linewidth": 0.5,
    "axes.edgecolor": FAINT,
    "xtick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "hatch.linewidth": 0.4,
    "pdf.fonttype": 42,  # text stays text that can be searched and edited
    "svg.fonttype": "none",
    "svg.hashsalt": "emofuse",  # the same recording gives the same file
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn of a recording, and what is only told."""

    lanes: tuple[Lane, ...]
    left_out: tuple[Lane, ...]
    window_s: float

    @classmethod
    def of(cls, series: Series) -> "Drawn":
        by_time = sorted(series.lanes, key=lambda lane: -lane.seen_s)
        total_s = sum(lane.seen_s for lane in by_time)
        chosen = [lane for lane in by_time[:MOST_LANES] if lane.seen_s >= LEAST_SHARE * total_s]
        window_s = max(w for w in WINDOWS_S if w <= max(series.duration_s / 200, WINDOWS_S[0]))
        return cls(
            tuple(lane for lane in series.lanes if lane in chosen),
            tuple(lane for lane in series.lanes if lane not in chosen),
            window_s,
        )


def save_plot(series: Series, name: str, path: Path, width: Width = "page") -> None:
    """In the format that the suffix of ``path`` names: pdf, svg or png."""
    library: Any = mpl
    with library.rc_context(STYLE):
        figure = draw(series, name, width)
        metadata: dict[str, Any] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
        figure.savefig(path, dpi=300, metadata=metadata.get(path.suffix.lower()))


@dataclass(slots=True)
class _Page:
    """Places axes one below the other, in inches: text needs the same room on every page."""

    figure: Figure
    left: float
    right: float
    top: float
    """Where the next axes begin, from the upper edge."""

    def axes(self, height: float, gap: float, below: Axes | None = None) -> Axes:
        """``gap`` is left free before; ``below`` shares its time axis."""
        self.top += gap
        width, full = self.figure.get_size_inches()
        place = (
            self.left / width,
            1 - (self.top + height) / full,
            1 - (self.left + self.right) / width,
            height / full,
        )
        self.top += height
        return self.figure.add_axes(place, sharex=below)

    def write(self, text: str, below_top: float, **style: Any) -> None:
        width, full = self.figure.get_size_inches()
        x = 1 - self.right / width if style.get("ha") == "right" else self.left / width
        self.figure.text(x, 1 - below_top / full, text, va="top", **style)


def draw(series: Series, name: str, width: Width) -> Figure:
    """From top to bottom: title, voices, a panel for each lane of faces, shares, explanations."""
    drawn = Drawn.of(series)
    is_narrow = width == "column"
    rows = max(1, len(drawn.lanes))
    several = rows > 1
    voice_in = 0.17 * max(1, len(series.utterances))
    panel_in = max(0.95, min(1.75 if is_narrow else 2.1, 6.3 / rows))
    fact_lines = _facts_in_lines(series).count("\n") if is_narrow else 0
    header_in = (0.36 if is_narrow else 0.26) + 0.1 * fact_lines + (0.12 if series.markers else 0)
    gap_in = 0.14 if several else 0.06
    notes = fill(" ".join(_notes(series, drawn)), COLUMN_LETTERS if is_narrow else 140)
    notes_in = 0.11 * len(notes.splitlines())
    height = header_in + voice_in + rows * (panel_in + gap_in) + 0.58 + 0.8 + 0.26 + notes_in + 0.06
    figure: Figure = mpl_figure.Figure(figsize=(WIDTHS_IN[width], height))
    FigureCanvasAgg(figure)
    page = _Page(figure, 0.52 if is_narrow else 0.6, 0.12 if is_narrow else 0.16, header_in)
    _write_header(page, series, name, is_narrow=is_narrow)
    voice = page.axes(voice_in, 0)
    panels = [page.axes(panel_in, gap_in, below=voice) for _ in range(rows)]
    shares = page.axes(0.8, 0.58)
    page.write(notes, page.top + 0.24, fontsize=SMALL_PT, color=FAINT, linespacing=1.25)
    room_in = WIDTHS_IN[width] - page.left - page.right
    _draw_voices(voice, series, 72 * room_in / max(series.duration_s, 1e-9))
    for panel, lane in zip(panels, drawn.lanes or (None,), strict=True):
        _draw_panel(panel, series, lane, drawn, several=several)
    _draw_markers([voice, *panels], series)
    _draw_time_axis([voice, *panels], series.duration_s)
    _draw_shares(shares, series, is_narrow=is_narrow)
    return figure


def _draw_voices(axes: Axes, series: Series, pt_per_s: float) -> None:
    """A row for each microphone; a label is written where there is room for it."""
    axes.set_ylim(max(1, len(series.utterances)), 0)
    for row, tier in enumerate(series.utterances.values()):
        for each in tier:
            start_s, end_s = _span(series, each)
            colour = PRINT_COLOURS[each.label] if each.label else NO_LABEL
            box = Rectangle(
                (start_s, row + 0.1), end_s - start_s, 0.8, facecolor=colour, linewidth=0
            )
            axes.add_patch(box)
            text = each.label or WHY[each.status].strip("()")
            room_pt = (end_s - start_s) * pt_per_s
            if text := _fitting(text, room_pt):
                ink = _ink_on(colour)
                axes.text((start_s + end_s) / 2, row + 0.52, text, color=ink, fontsize=SMALL_PT,
                          ha="center", va="center", clip_on=True)  # fmt: skip
    names = (
        [one_line(name) for name in series.utterances] if len(series.utterances) > 1 else ["voice"]
    )
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def _fitting(text: str, room_pt: float) -> str:
    """The text, its first three letters, or nothing."""
    for candidate in (text, text[:3]):
        if len(candidate) * SMALL_PT * 0.56 + 2 <= room_pt:
            return candidate
    return ""


def _ink_on(colour: str) -> str:
    red, green, blue = (part / 255 for part in bytes.fromhex(colour[1:]))
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.55 else "black"


def _draw_panel(
    axes: Axes, series: Series, lane: Lane | None, drawn: Drawn, *, several: bool
) -> None:
    """Seven rows from 0 to 1, over bands of speech."""
    axes.set_ylim(len(EMOTIONS), 0)
    for tier in series.utterances.values():
        for each in tier:
            start_s, end_s = _span(series, each)
            axes.axvspan(start_s, end_s, color=SPEECH, linewidth=0, zorder=0)
            if each.label is not None and _is_of(each, lane):
                top = EMOTIONS.index(each.label) + 0.03
                colour = PRINT_COLOURS[each.label]
                bar = Rectangle((start_s, top), end_s - start_s, BAR, facecolor=colour, linewidth=0)
                axes.add_patch(bar)
    for row in range(len(EMOTIONS)):
        axes.axhline(row + 1, color=RULE, linewidth=0.4, zorder=1)
    for gap in series.gaps:
        if lane is None or gap.camera == lane.camera:
            axes.axvspan(gap.start_s, gap.end_s, facecolor="none", edgecolor=FAINT,
                         hatch=GAP_HATCH, linewidth=0, zorder=1)  # fmt: skip
    axes.set_yticks(np.arange(len(EMOTIONS)) + 0.62, EMOTIONS)
    axes.tick_params(axis="y", length=0, pad=3, labelcolor=INK)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    if lane is None:
        axes.text(0.5, 0.5, "no face", transform=axes.transAxes, ha="center", va="center",
                  color=FAINT)  # fmt: skip
        return
    points = sum(len(track.start_s) for each in drawn.lanes for track in each.tracks)
    for track in lane.tracks:
        _draw_track(axes, track, series.duration_s, drawn.window_s, as_pixels=points > MOST_POINTS)
        if several or len(lane.tracks) > 1:
            axes.annotate(f"#{track.number}", (track.start_s[0], 0), (1, -1), va="top",
                          fontsize=SMALL_PT - 0.5, color=FAINT,
                          textcoords="offset points")  # fmt: skip
    if several:
        axes.set_title(one_line(lane.camera), loc="right", fontsize=SMALL_PT, color=FAINT, pad=1)


def _draw_track(
    axes: Axes, track: Track, duration_s: float, window_s: float, *, as_pixels: bool
) -> None:
    """Each picture's probabilities thin, their running mean as a line over its area."""
    step_s = max(duration_s / 1500, 1e-3)
    at_s = np.arange(track.start_s[0], track.end_s[-1], step_s)
    mean = running_mean(track, at_s, window_s)
    times_s, raw = _as_steps(track)
    for row, emotion in enumerate(EMOTIONS):
        colour = PRINT_COLOURS[emotion]
        floor = row + 1.0
        level = floor - ROW_FILL * mean[:, row]
        axes.fill_between(at_s, floor, level, color=colour, alpha=0.25, linewidth=0, zorder=2)
        axes.plot(times_s, floor - ROW_FILL * raw[:, row], color=colour, linewidth=0.35,
                  alpha=0.8, zorder=5, rasterized=as_pixels)  # fmt: skip
        axes.plot(at_s, level, color=colour, linewidth=1.1, zorder=4, solid_joinstyle="round")


def _as_steps(track: Track) -> tuple[Numbers, Numbers]:
    """Broken where the track was not seen."""
    breaks = np.flatnonzero(track.start_s[1:] > track.end_s[:-1] + 1e-6) + 1
    times_s = np.insert(track.start_s, breaks, track.end_s[breaks - 1])
    return times_s, np.insert(track.probabilities, breaks, np.nan, axis=0)


def _draw_markers(axes: list[Axes], series: Series) -> None:
    """Lines through all panels, with their texts above."""
    last_s = -np.inf
    for marker in series.markers:
        at_s = series.seconds(marker.stamp.pipeline_ns)
        for each in axes:
            each.axvline(at_s, color=INK, linewidth=0.6, linestyle=(0, (3, 2)), zorder=6)
        if at_s - last_s > series.duration_s / 12:  # else texts would lie upon each other
            text = one_line(marker.text)
            is_late = at_s > 0.75 * series.duration_s
            axes[0].annotate(text if len(text) <= 24 else f"{text[:23]}…", (at_s, 0),
                             (-1, 1.5) if is_late else (1, 1.5), textcoords="offset points",
                             ha="right" if is_late else "left", fontsize=SMALL_PT, color=INK,
                             annotation_clip=False)  # fmt: skip
            last_s = at_s


def _draw_time_axis(axes: list[Axes], duration_s: float) -> None:
    end_s = max(duration_s, 1e-3)
    axes[0].set_xlim(0, end_s)
    last = axes[-1]
    last.tick_params(axis="x", bottom=True, labelbottom=True)
    last.spines["bottom"].set_visible(True)
    if end_s >= 120:
        step = next((step for step in STEPS_S if end_s / step <= 10), STEPS_S[-1])
        last.set_xticks(np.arange(0, end_s + 1e-9, step))
        last.xaxis.set_major_formatter(FuncFormatter(_clock))
        unit = "h:min:s" if end_s >= 3600 else "min:s"
    else:
        last.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
        unit = "s"
    last.set_xlabel(f"time ({unit})", labelpad=1.5, color=INK)


def _clock(at_s: float, _place: int | None = None) -> str:
    minutes, seconds = divmod(round(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _draw_shares(axes: Axes, series: Series, *, is_narrow: bool) -> None:
    """Of the time that faces are seen, and of the utterances."""
    faces = series.share_of_faces()
    voices, labelled = series.share_of_utterances()
    places = np.arange(len(EMOTIONS))
    colours = [PRINT_COLOURS[emotion] for emotion in EMOTIONS]
    bars = [
        axes.bar(places - 0.2, faces, 0.36, color=colours, linewidth=0),
        axes.bar(
            places + 0.2,
            voices,
            0.36,
            color="white",
            edgecolor=colours,
            linewidth=0.8,
            hatch=".....",
        ),
    ]
    for group, shares in zip(bars, (faces, voices), strict=True):
        for bar, share in zip(group, shares, strict=True):
            if share > 0:
                text = f"{share:.0%}" if share >= 0.005 else "<1%"
                axes.annotate(text, (bar.get_x() + bar.get_width() / 2, share), (0, 1),
                              textcoords="offset points", ha="center", va="bottom",
                              fontsize=SMALL_PT - (0.8 if is_narrow else 0), color=INK)  # fmt: skip
    axes.set_xticks(places, EMOTIONS)
    axes.tick_params(axis="x", length=0, pad=2)
    axes.set_xlim(-0.6, len(EMOTIONS) - 0.4)
    axes.set_ylim(0, max(0.1, 1.22 * max(faces.max(), voices.max())))
    axes.set_yticks([])
    axes.set_ylabel("share", color=INK, labelpad=4)
    axes.spines[["top", "right", "left"]].set_visible(False)
    keys = [
        Patch(facecolor=FAINT, label="of the time with a face"),
        Patch(
            facecolor="white",
            edgecolor=FAINT,
            hatch=".....",
            linewidth=0.8,
            label=f"of labelled utterances (n = {labelled})",
        ),
    ]
    axes.legend(handles=keys, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False,
                fontsize=SMALL_PT, ncols=2, handlelength=1.2, handleheight=0.8, borderpad=0,
                borderaxespad=0, columnspacing=1.2, handletextpad=0.5)  # fmt: skip


def _write_header(page: _Page, series: Series, name: str, *, is_narrow: bool) -> None:
    most = 40 if is_narrow else 60
    title = name if len(name) <= most else f"{name[: most - 1]}…"
    page.write(title, 0.05, fontsize=FONT_PT + 1, fontweight="bold", color=INK)
    if is_narrow:
        page.write(_facts_in_lines(series), 0.19, fontsize=SMALL_PT, color=FAINT)
    else:
        page.write(SEPARATOR.join(_facts(series)), 0.06, ha="right", color=FAINT)


def _facts_in_lines(series: Series) -> str:
    """For a column: the last fact goes to a line of its own where it is long."""
    *first, last = _facts(series)
    whole = SEPARATOR.join([*first, last])
    return whole if len(whole) <= COLUMN_LETTERS else f"{SEPARATOR.join(first)}\n{last}"


def _facts(series: Series) -> Iterator[str]:
    length = series.duration_s
    yield f"{length:.1f} s" if length < 120 else _clock(length)
    faces = (
        f"{series.with_face / series.pictures:.0%} with a face" if series.pictures else "no face"
    )
    yield f"{series.pictures:,} pictures, {faces}".replace(",", " ", series.pictures >= 1000)
    said = [each for tier in series.utterances.values() for each in tier]
    unlabelled = sum(each.label is None for each in said)
    yield f"{len(said)} utterances" + (f", {unlabelled} without a label" if unlabelled else "")


def _notes(series: Series, drawn: Drawn) -> Iterator[str]:
    """What lines, bands and hatches mean."""
    yield (
        "Rows: probability of each emotion, 0 to 1. Thin lines: each picture; thick lines and "
        f"areas: running mean over {drawn.window_s:g} s."
    )
    if any(series.utterances.values()):
        yield "Grey bands: speech; a bar on top of a row: the face gave the utterance this label."
    if series.gaps:
        yield "Hatched: no pictures."
    if drawn.left_out:
        seen_s = sum(lane.seen_s for lane in drawn.left_out)
        tracks = sum(len(lane.tracks) for lane in drawn.left_out)
        more = "1 more track" if tracks == 1 else f"{tracks} more tracks"
        yield f"Not drawn: {more}, seen for {seen_s:.1f} s in all."


def _is_of(utterance: UtteranceEmotion, lane: Lane | None) -> bool:
    """Whether a face in this lane gave the label, as far as the result tells."""
    if lane is None or not utterance.camera or utterance.track is None:
        return True
    tracks = [track.number for track in lane.tracks]
    return utterance.camera == lane.camera and utterance.track in tracks


def _span(series: Series, utterance: UtteranceEmotion) -> tuple[float, float]:
    end = utterance.offset or utterance.onset
    return series.seconds(utterance.onset.pipeline_ns), series.seconds(end.pipeline_ns)
