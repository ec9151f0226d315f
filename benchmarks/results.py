"""What a run of all benchmarks found: figures, curves and distributions, as a table and as JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine_record

SHARES = tuple(range(1, 100))


@dataclass
class Figure:
    """What was measured in every run; ``results.json`` has its median and 95th percentile."""

    unit: str
    runs: list[float] = field(default_factory=list[float])

    @property
    def median(self) -> float:
        return float(np.median(self.runs))

    @property
    def p95(self) -> float:
        return float(np.percentile(self.runs, 95))

    def record(self) -> dict[str, Any]:
        return {"unit": self.unit, "median": self.median, "p95": self.p95, "runs": self.runs}


@dataclass
class Curve:
    """How something grows."""

    x: str
    y: str
    points: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])


class Results:
    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}
        self.curves: dict[str, Curve] = {}
        self.samples: dict[str, list[float]] = {}
        """Milliseconds, of all runs."""

    def note(self, name: str, unit: str, value: float) -> None:
        self.figures.setdefault(name, Figure(unit)).runs.append(value)

    def note_point(self, name: str, x: tuple[str, float], y: tuple[str, float]) -> None:
        """``x`` and ``y`` are what is measured, with its unit, and the value."""
        curve = self.curves.setdefault(name, Curve(x[0], y[0]))
        curve.points.append((x[1], y[1]))
        print(f"{name}: {y[1]:.3g} {y[0]} at {x[1]:,.0f} {x[0]}", flush=True)

    def note_samples(self, name: str, milliseconds: list[float]) -> None:
        self.samples.setdefault(name, []).extend(milliseconds)

    def median(self, name: str) -> float:
        return self.figures[name].median

    def ratios(self) -> dict[str, float]:
        """Of medians of the same runs; empty where loops and pipeline were not compared."""
        found: dict[str, float] = {}
        pipeline = self.figures.get("pipeline")
        for loop in ("seed", "fer", "bare"):
            if pipeline and f"{loop} loop" in self.figures:
                found[f"pipeline_to_{loop}"] = pipeline.median / self.median(f"{loop} loop")
        if latency := self.figures.get("capture to result, p95"):
            found["latency_p95_to_bare"] = latency.median / self.median("bare loop, a picture")
            found["latency_p95_to_bare_live"] = latency.median / self.median(
                "bare loop at 30/s, p95"
            )
        return found

    def print(self) -> None:
        print(f"\n{'':46} {'median':>9} {'p95':>9}")
        for name, figure in self.figures.items():
            print(f"{name:46} {figure.median:9.2f} {figure.p95:9.2f} {figure.unit}")
        for name, ratio in self.ratios().items():
            print(f"{name:46} {ratio:9.2f}")

    def write(self, path: Path) -> None:
        record = {
            **machine_record(),
            "figures": {name: figure.record() for name, figure in self.figures.items()},
            "ratios": self.ratios(),
            "curves": {
                name: {"x": curve.x, "y": curve.y, "points": curve.points}
                for name, curve in self.curves.items()
            },
            "percentiles": {
                name: dict(zip(SHARES, np.percentile(values, SHARES).tolist(), strict=True))
                for name, values in self.samples.items()
            },
        }
        path.write_text(json.dumps(record, indent=2) + "\n")
