"""Settings from options, environment and a TOML file, in this order; all checked before use.

Plain pydantic does the checking. The three sources are read here, and not by pydantic-settings,
so that an error can say which of them a wrong value came from.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from config.nodes import WrongNodeError, node_settings
from config.settings import SECTION_OF, NodeTable, Settings

PREFIX = "EMOFUSE_"
NESTED = "__"
NODES = ("nodes",)
CONFIG_VARIABLE = "EMOFUSE_CONFIG"
"""Names the TOML file when no option does."""


class SettingsError(ValueError):
    """Names key, value, range and where the value came from, a line each."""


def _is_section(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


class _Origin(NamedTuple):
    """A place that settings come from."""

    name: str
    values: Mapping[str, Any]

    def has(self, location: tuple[str, ...]) -> bool:
        at: Any = self.values
        for key in location:
            if not _is_section(at) or key not in at:
                return False
            at = at[key]
        return True


def load_settings(
    options: Mapping[str, Any] | None = None,
    config_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings; ``options`` holds, by section, what was given on the command line.

    Raises:
        SettingsError: a key that does not exist, a value out of its range, a file that cannot be
            read.
    """
    if config_file is None and (named := environment.get(CONFIG_VARIABLE)):
        config_file = Path(named)
    origins = [
        _Origin("the command line", options or {}),
        _Origin("the environment", _from_environment(environment)),
        _Origin(f"file {config_file}", _from_file(config_file)),
    ]
    merged: dict[str, Any] = {}
    for origin in reversed(origins):
        merged = _merge(merged, origin.values)
    try:
        settings = Settings.model_validate(
            merged, context=tuple((one.name, one.values) for one in origins if one.values)
        )
        for table in settings.nodes:
            node_settings(settings, table)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(error, origins))) from None
    except WrongNodeError as wrong:
        raise SettingsError("\n".join(_explain(wrong.error, origins, wrong.place))) from None
    return settings


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """``EMOFUSE_CAMERA__FPS=25`` is ``fps`` of ``[camera]``; lists are separated by commas."""
    values: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        *sections, key = parts = name.removeprefix(PREFIX).lower().split(NESTED)
        if not all(parts):
            raise SettingsError(
                f"{name} in the environment names no setting; write {PREFIX}SECTION{NESTED}KEY"
            )
        place = values
        for section in sections:
            inside: dict[str, Any] | str = place.setdefault(section, {})
            if isinstance(inside, str):
                raise SettingsError(
                    f"{name} in the environment contradicts {PREFIX}{section.upper()}, "
                    "which gives the whole section one value"
                )
            place = inside
        place[key] = value
    return values


def _from_file(config_file: Path | None) -> dict[str, Any]:
    if config_file is None:
        return {}
    try:
        return tomllib.loads(config_file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"config file {config_file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"config file {config_file} is no valid TOML: {error}") from None


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        former: Any = merged.get(key)
        sections = _is_section(former) and _is_section(value)
        merged[key] = _merge(former, value) if sections else value
    return merged


def _explain(
    error: ValidationError, origins: Sequence[_Origin], place: tuple[str, ...] = ()
) -> list[str]:
    """A line for each wrong key; the alternatives of a union share one. ``place`` leads to what was
    validated.
    """
    ranges: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False):
        unknown = problem["type"] == "extra_forbidden"
        location = (*place, *(str(part) for part in problem["loc"]))
        if not unknown:
            location = location[: _depth(location, origins)]
        origin = next((origin.name for origin in origins if origin.has(location)), "the defaults")
        key = ".".join(location)
        told = str(problem.get("ctx", {}).get("error"))
        if problem["type"] == "value_error" and _section(
            location, origins
        ):  # of a section, or of all
            ranges[f"{key}: {told}" if key else told] = []
        elif problem["type"] == "missing":
            ranges[f"{key} must be given"] = []
        elif unknown:
            known = ", ".join(_neighbours(location, origins))
            ranges[f"{key} (from {origin})"] = [f"there is no such setting; known are {known}"]
        else:
            subject = f"{key} = {problem['input']!r} (from {origin})"
            message = problem["msg"][:1].lower() + problem["msg"][1:]
            if problem["type"] == "value_error":
                message = told
            elif problem["type"] == "model_type":
                variable = PREFIX + NESTED.join((*location, "KEY")).upper()
                way = "" if location[:1] == NODES else f", or {variable}"
                message = f"{key} is a table of settings: [{key}]{way}"
            ranges.setdefault(subject, []).append(message)
    return [
        f"{subject}: {' or '.join(messages)}" if messages else subject
        for subject, messages in ranges.items()
    ]


def _section(location: tuple[str, ...], origins: Sequence[_Origin]) -> Mapping[str, FieldInfo]:
    """The settings of the section at ``location``; empty where a setting is, or nothing."""
    fields: Mapping[str, FieldInfo] = Settings.model_fields
    if location[:1] == NODES:
        own = _of_node(location[1], origins) if len(location) > 1 else fields
        location = location[2:]
        if not location or location[0] in own:
            fields = own
    for key in location:
        kind = fields[key].annotation if key in fields else None
        fields = getattr(kind, "model_fields", {})
    return fields


def _of_node(table: str, origins: Sequence[_Origin]) -> Mapping[str, FieldInfo]:
    """Those of a node's table: its own, and those of its kind's section."""
    place = (*NODES, table, "kind")
    kinds = (origin.values["nodes"][table]["kind"] for origin in origins if origin.has(place))
    kind = next(kinds, "")
    section = SECTION_OF.get(kind, "") if isinstance(kind, str) else ""
    return dict(NodeTable.model_fields) | dict(_section((section,), origins) if section else {})


def _depth(location: tuple[str, ...], origins: Sequence[_Origin]) -> int:
    """How many parts of ``location`` name a setting; what follows lies within its value."""
    within = (depth for depth in range(len(location)) if not _section(location[:depth], origins))
    return next(within, len(location))


def _neighbours(location: tuple[str, ...], origins: Sequence[_Origin]) -> list[str]:
    """The keys that there are in the section that ``location`` lies in."""
    return list(_section(location[:-1], origins))
