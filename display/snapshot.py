"""Saves what the window would show as a picture, without a screen:

``python -m display.snapshot ADDRESS FILE [--size 1280x720] [--label happy] [--keys FOLDER]``

It joins the running pipeline at ADDRESS and waits for a picture with a face, and for a voice that
has got its label.
"""

import argparse
from pathlib import Path

import cv2

from display.overlay import paint
from display.scene import Scene
from display.view import View
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import EMOTIONS, Emotion
from messaging.topics import AUDIO, FACES, HEARTBEAT, MARKERS, SPEECH, UTTERANCES, VIDEO

NAME = "snapshot"


def snapshot(
    address: str,
    file: Path,
    size: tuple[int, int] | None = None,
    label: Emotion | None = None,
    keys: Path | None = None,
) -> bool:
    """Save the first scene that shows all there is to see, its face with ``label`` if one is
    given. ``False`` when it was stopped before that.
    """
    topics = (VIDEO, AUDIO, FACES, SPEECH, UTTERANCES, HEARTBEAT, MARKERS)
    with Node(NAME, address, topics, keys=keys) as node:
        view = View(NAME, is_comparable=node.stamp().bound_ns == 0)
        while node.alive():
            for received in node.receive():
                view.take(received)
            scene = view.scene(monotonic_ns())
            if is_complete(scene, label):
                return cv2.imwrite(str(file), paint(scene, size))
    return False


def is_complete(scene: Scene, label: Emotion | None = None) -> bool:
    """Whether every camera shows a face (with ``label``), and a voice has its label."""
    cameras = bool(scene.cameras) and all(
        any(label in (None, face.label) for face in camera.faces) and camera.picture is not None
        for camera in scene.cameras
    )
    return cameras and any(voice.utterance and voice.utterance.label for voice in scene.voices)


def width_and_height(text: str) -> tuple[int, int]:
    """``1280x720`` as numbers."""
    width, height = (int(part) for part in text.split("x"))
    if width < 1 or height < 1:
        raise ValueError(text)
    return width, height


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the hub")
    parser.add_argument("file", type=Path, help="to write; .png or .jpg")
    parser.add_argument("--size", type=width_and_height, help="WIDTHxHEIGHT; else the camera's")
    parser.add_argument("--label", choices=EMOTIONS)
    parser.add_argument("--keys", type=Path, help="folder with this machine's keys")
    options = parser.parse_args()
    try:
        saved = snapshot(options.address, options.file, options.size, options.label, options.keys)
    except UserError as error:
        parser.exit(2, f"{error}\n")
    if not saved:
        parser.exit(1, "stopped before there was anything to show\n")


if __name__ == "__main__":
    main()
