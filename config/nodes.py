"""Several nodes of one kind: for each a table ``[nodes.NAME]`` with what is its own."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError

from config.settings import SECTION_OF, Section, Settings

SOURCES = frozenset(("camera", "microphone", "media"))
"""Kinds whose section's ``name`` is what their messages call them. That of ``lsl`` is another."""


class WrongNodeError(ValueError):
    """A value in a node's table is wrong; ``place`` leads to the table."""

    def __init__(self, place: tuple[str, ...], error: ValidationError) -> None:
        super().__init__(".".join(place))
        self.place, self.error = place, error


def node_settings(settings: Settings, table: str) -> Settings:
    """What the node of a table runs with: its own keys go before its kind's section, and tables in
    its table, such as ``[nodes.left.voice_activity]``, before the sections of that name.

    Raises:
        WrongNodeError: a key or a value is wrong.
    """
    node = settings.nodes[table]
    changed: dict[str, Any] = {"name": node.name or table}
    for place, section, values in _changes(settings, table):
        former: Section = changed.get(section) or getattr(settings, section)
        try:
            changed[section] = type(former).model_validate(
                former.model_dump(exclude_unset=True) | dict(values)
            )
        except ValidationError as error:
            raise WrongNodeError(place, error) from None
    return named(settings.model_copy(update=changed), node.kind, node.name or table)


def named(settings: Settings, kind: str, name: str) -> Settings:
    """The same with another name for the node, and for what it is the source of."""
    update: dict[str, Any] = {"name": name}
    if kind in SOURCES:
        section: Section = getattr(settings, SECTION_OF[kind])
        update[SECTION_OF[kind]] = section.model_copy(update={"name": name})
    return settings.model_copy(update=update)


def _changes(
    settings: Settings, table: str
) -> Iterator[tuple[tuple[str, ...], str, Mapping[str, Any]]]:
    """Place, section and values."""
    node = settings.nodes[table]
    own: dict[str, Any] = {}
    for key, value in (node.model_extra or {}).items():
        if isinstance(value, dict) and isinstance(getattr(settings, key, None), Section):
            yield ("nodes", table, key), key, cast("dict[str, Any]", value)
        else:
            own[key] = value
    yield ("nodes", table), SECTION_OF[node.kind], own
