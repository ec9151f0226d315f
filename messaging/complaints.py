"""What goes wrong again and again, told once and then rarely. Pure."""

REPEATED_S = 60.0
MOST = 64
"""Different ones that are kept apart; those after them share one line."""


class Complaints:
    """A new one is told at once, one that goes on once a minute with its number."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._told_s: dict[str, float] = {}

    def note(self, text: str) -> None:
        if text not in self._told_s and len({*self._told_s, *self._counts}) >= MOST:
            text = "other strangers were refused"
        self._counts[text] = self._counts.get(text, 0) + 1

    def due(self, now_s: float) -> list[str]:
        """What is to be told now; who is not heard of for long counts as new."""
        told: list[str] = []
        for text, count in [*self._counts.items()]:
            if now_s - self._told_s.get(text, -REPEATED_S) >= REPEATED_S:
                told.append(text if count == 1 else f"{text} ({count} times)")
                self._told_s[text] = now_s
                del self._counts[text]
        for text, told_s in [*self._told_s.items()]:
            if text not in self._counts and now_s - told_s >= 2 * REPEATED_S:
                del self._told_s[text]
        return told
