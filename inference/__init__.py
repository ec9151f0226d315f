"""Face inference: where the faces of a picture are, whose they are, and what they show."""
