"""What leaves the pipeline of a face, whatever protocol carries it. Pure."""

from messaging.schema import Face, FaceEmotions


def box_shares(face: Face, result: FaceEmotions) -> tuple[float, float, float, float]:
    """Left, top, width and height as shares of the picture's, so that its size need not be known;
    what reaches beyond an edge is below 0 or above 1.
    """
    left, top, width, height = face.box
    across, down = max(1, result.width), max(1, result.height)
    return left / across, top / down, width / across, height / down
