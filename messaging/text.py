"""Text that came by the wire, fit to be shown."""


def plain(text: str) -> str:
    """Text from the wire without control characters: they could do anything to a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
