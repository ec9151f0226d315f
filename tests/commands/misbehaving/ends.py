from config.settings import Settings


def run(_settings: Settings) -> None:
    """Has nothing to do."""
