import os
import resource

from config.settings import Settings


def run(_settings: Settings) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    for _ in range(64):
        os.dup(0)
