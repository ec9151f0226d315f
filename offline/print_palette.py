"""The emotions' colours on white paper: the palette's hues, dark enough to be seen there.

Found by search near ``display.palette``: each stands out from white (2.5:1 and more), and any two
differ by at least 10 (CIE L*a*b*) for normal vision, protanopia, deuteranopia and tritanopia.
"""

from messaging.schema import Emotion

PRINT_COLOURS: dict[Emotion, str] = {
    "angry": "#CD5705",
    "disgust": "#0C865C",
    "fear": "#742652",
    "happy": "#ACA64A",
    "sad": "#3C9CD1",
    "surprise": "#D39000",
    "neutral": "#888888",
}
NO_LABEL = "#D9D9D9"
