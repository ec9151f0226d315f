from config.settings import Settings


def run(_settings: Settings) -> None:
    raise ZeroDivisionError("as this node always does")
