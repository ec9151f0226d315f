"""What ``devices`` prints."""

from capture.cameras import list_cameras
from capture.microphones import list_microphones
from commands.stdio import put
from messaging.errors import UserError


def print_devices() -> None:
    """Cameras and microphones, each with what to give to ``--camera`` and ``--microphone``."""
    _print("Cameras", [str(camera) for camera in list_cameras()])
    try:
        _print("Microphones", [str(microphone) for microphone in list_microphones()])
    except UserError as error:
        _print("Microphones", [str(error)])


def _print(title: str, lines: list[str]) -> None:
    put(title)
    for line in lines or ["none found"]:
        put(f"  {line}")
