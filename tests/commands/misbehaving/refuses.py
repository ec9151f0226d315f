from config.settings import Settings
from messaging.errors import UserError


def run(_settings: Settings) -> None:
    raise UserError("no camera 3; found none")
