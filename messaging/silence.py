"""Whether a hub that others started is still heard of. Pure."""

SILENT_NS = 5_000_000_000
"""A node hears itself once a second, and a link that was lost is up again in this time at most."""
AWAY_NS = 1_000_000_000
"""Who has not looked for so long cannot tell."""


class Silence:
    """Told once when it begins, and once when it is over."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._looked_ns = self._heard_ns = 0
        self._is_told = False

    def look(self, now_ns: int, *, heard: bool) -> str:
        """After each look at what has arrived: what is to be told now, mostly nothing."""
        if heard or now_ns - self._looked_ns > AWAY_NS:
            self._heard_ns = now_ns
        self._looked_ns = now_ns
        if heard and self._is_told:
            self._is_told = False
            return f"the hub at {self._address} is back"
        if not self._is_told and now_ns - self._heard_ns > SILENT_NS:
            self._is_told = True
            return f"the hub at {self._address} is silent; it is waited for"
        return ""
