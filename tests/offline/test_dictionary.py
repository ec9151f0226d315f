"""The data dictionary in the docs is the columns' own."""

from pathlib import Path

from offline.dictionary import markdown

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    """`python -m offline.dictionary > docs/tables.md` makes it so."""
    assert (ROOT / "docs" / "tables.md").read_text() == markdown()
