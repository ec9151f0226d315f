"""ELAN's annotation format: https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf"""

import mimetypes
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from messaging.schema import EMOTIONS
from offline.annotations import NO_LABEL, Annotations
from offline.intervals import Span, separate
from offline.output import require

MARK_MS = 100
"""ELAN knows no points: a marker is drawn as long as this, or until the next one."""
NO_XML = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 forbids, or reads as a space, and halves of characters."""
EMOTION_TYPE, MARKER_TYPE = "emotion", "marker"
VOCABULARY = "emotions"


def write_eaf(annotations: Annotations, media: Path | None, path: Path) -> None:
    """Labels are bound to a controlled vocabulary; ``media`` is linked, also by its place beside
    ``path``.
    """
    elan: Any = require("pympi.Elan", "the ELAN format")
    document = elan.Eaf(author="emofuse")
    document.remove_tier("default")
    document.remove_linguistic_type("default-lt")
    _add_vocabulary(document)
    document.add_linguistic_type(
        EMOTION_TYPE, param_dict=_type(EMOTION_TYPE) | {"CONTROLLED_VOCABULARY_REF": VOCABULARY}
    )
    document.add_linguistic_type(MARKER_TYPE, param_dict=_type(MARKER_TYPE))
    document.header |= {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    if media is not None:
        document.add_linked_file(_url(media), _relative(path, media), _mime(media))
    for name, tier in annotations.intervals().items():
        document.add_tier(name, ling=EMOTION_TYPE)
        for each in tier:
            document.add_annotation(name, each.start_ms, each.end_ms, each.label)
    document.add_tier("markers", ling=MARKER_TYPE)
    marks = [
        Span(note.at_ms * 1_000_000, (note.at_ms + MARK_MS) * 1_000_000, note.text)
        for note in annotations.notes
    ]
    for mark in separate(marks):
        document.add_annotation("markers", mark.start_ms, mark.end_ms, mark.label)
    document.properties = [("lastUsedAnnotation", document.maxaid)]  # ELAN counts on from it
    _sort_slots(document)
    elan.to_eaf(path, document)


def _add_vocabulary(document: Any) -> None:
    language = "und"
    document.add_language(language, "http://cdb.iso.org/lg/CDB-00130975-001", "undetermined")
    document.add_controlled_vocabulary(VOCABULARY)
    document.add_cv_description(VOCABULARY, language, "Emotions of faces and voices")
    for place, value in enumerate((*EMOTIONS, *NO_LABEL.values())):
        document.add_cv_entry(VOCABULARY, f"emotion-{place}", [(value, language, None)])


def _type(name: str) -> dict[str, str]:
    return {
        "LINGUISTIC_TYPE_ID": name,
        "TIME_ALIGNABLE": "true",
        "GRAPHIC_REFERENCES": "false",
    }


def _url(media: Path) -> str:
    return _text(f"file:///{media.resolve().as_posix().lstrip('/')}")


def _relative(path: Path, media: Path) -> str | None:
    """ELAN looks there when folders have moved."""
    try:
        way = os.path.relpath(media.resolve(), path.resolve().parent)
    except ValueError:  # another drive
        return None
    return _text(f"./{Path(way).as_posix()}")


def _text(url: str) -> str:
    """As ELAN writes it: percent-encoded only where XML could not hold it."""
    return quote(os.fsencode(url), safe="/:") if NO_XML.search(url) else url


def _mime(media: Path) -> str:
    return mimetypes.guess_type(media.name)[0] or "video/mp4"


def _sort_slots(document: Any) -> None:
    """The library numbers time slots tier by tier; the format wants them in the order of time."""
    slots: dict[str, int] = document.timeslots
    ordered = sorted(slots, key=lambda name: (slots[name], int(name[2:])))
    names = {old: f"ts{number}" for number, old in enumerate(ordered, 1)}
    document.timeslots = {names[old]: slots[old] for old in ordered}
    for tier in document.tiers.values():
        for key, (start, end, value, drawing) in tier[0].items():
            tier[0][key] = (names[start], names[end], value, drawing)
