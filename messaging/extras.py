"""Libraries that not every installation has."""

from importlib import import_module
from types import ModuleType

from messaging.errors import UserError


def require_extra(module: str, extra: str, what: str) -> ModuleType:
    """The library that ``what`` needs.

    Raises:
        UserError: it is missing; names the extra that brings it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{what} needs {error.name}, which is not installed: pip install 'emofuse[{extra}]'"
        ) from error
