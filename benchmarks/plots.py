"""The pictures of docs/performance.md."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import SHARES, Curve, Results

GROWTH = {
    "fusion": "the join, a message",
    "label": "label, every picture",
    "label: memory": "label, memory",
    "hub": "hub, pictures of 640x480",
    "cameras": "several cameras, one worker",
}
"""Curves by name, with their titles."""


def draw(results: Results, folder: Path) -> list[Path]:
    """Those for which there is something; the files that were written."""
    import_module("matplotlib").use("agg")
    drawn: list[Path] = []
    if results.samples:
        drawn.append(_latency(results, folder / "latency.png"))
    if any(name in results.curves for name in GROWTH):
        drawn.append(_growth(results, folder / "growth.png"))
    return drawn


def _latency(results: Results, path: Path) -> Path:
    """How many of a hundred results are there after how long."""
    figure, axes = _figure(1)
    for name, values in results.samples.items():
        axes[0].plot(np.percentile(values, SHARES), SHARES, label=name)
    axes[0].set(xlabel="ms", ylabel="% of results there", xlim=(0, None), ylim=(0, 100))
    axes[0].legend(loc="lower right", frameon=False)
    return _save(figure, path)


def _growth(results: Results, path: Path) -> Path:
    curves = [(title, results.curves[name]) for name, title in GROWTH.items()
              if name in results.curves]  # fmt: skip
    figure, axes = _figure(len(curves))
    for place, (title, curve) in zip(axes, curves, strict=True):
        _plot(place, title, curve)
    return _save(figure, path)


def _plot(axes: Any, title: str, curve: Curve) -> None:
    x, y = zip(*curve.points, strict=True)
    axes.plot(x, y, marker="o")
    axes.set(title=title, xlabel=curve.x, ylabel=curve.y, xscale="log", ylim=(0, 1.15 * max(y)))
    axes.set_xticks(x)
    axes.minorticks_off()
    formatter: Any = import_module("matplotlib.ticker").EngFormatter(places=0, sep="")
    axes.xaxis.set_major_formatter(formatter)


def _figure(count: int) -> tuple[Any, Any]:
    plt: Any = import_module("matplotlib.pyplot")
    figure, axes = plt.subplots(1, count, figsize=(max(6, 3.5 * count), 3.2), squeeze=False)
    for place in axes[0]:
        place.spines[["top", "right"]].set_visible(False)
        place.grid(alpha=0.3)
    return figure, axes[0]


def _save(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path
