"""One colour for each emotion, the same in the window, in the terminal and in plots.

The hues are Okabe and Ito's, made to be told apart with normal vision and with protanopia,
deuteranopia and tritanopia (M. Okabe, K. Ito, "Color Universal Design", 2008; recommended by
B. Wong, Nature Methods 8:441, 2011). Their black would not show on dark panels and stands here as
light grey; their blue is too dark there and is left out.
"""

from messaging.schema import Emotion

EMOTION_COLOURS: dict[Emotion, str] = {
    "angry": "#D55E00",  # vermillion
    "disgust": "#009E73",  # bluish green
    "fear": "#CC79A7",  # reddish purple
    "happy": "#F0E442",  # yellow
    "sad": "#56B4E9",  # sky blue
    "surprise": "#E69F00",  # orange
    "neutral": "#C8C8C8",
}

INK = "#F5F5F5"
FAINT = "#A8ADB4"
WARNING = "#FFB454"
RECORDING = "#E8112D"
"""Of the sign that a recording runs, and of nothing else."""
PANEL = "#14171C"
TRACK = "#5A6068"
"""The empty part of a bar."""

Colour = tuple[int, int, int]
"""Blue, green, red: OpenCV's order."""


def bgr(hexadecimal: str) -> Colour:
    """``#RRGGBB`` as OpenCV wants it."""
    red, green, blue = bytes.fromhex(hexadecimal.removeprefix("#"))
    return blue, green, red
