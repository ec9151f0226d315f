import ctypes

from config.settings import Settings


def run(_settings: Settings) -> None:
    ctypes.string_at(0)
