"""Where the project's folders lie: in the wheel inside this package, in a checkout beside it."""

from pathlib import Path

_CARRIED = Path(__file__).parent / "_app"

APP = _CARRIED if _CARRIED.is_dir() else _CARRIED.parent.parent
DEMO = APP / "capture" / "demo" / "clip.mp4"
"""The demo session: 18 seconds of a drawn portrait that speaks."""
