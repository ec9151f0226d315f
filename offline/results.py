"""The results of whatever can be labelled, by what its path is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from capture.media_file import open_media
from config.settings import Settings
from inference.faces import open_face_inference
from messaging.topics import VIDEO_JPEG
from offline.label import Result, label_media


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a file or session as a stream."""

    zero_ns: int
    """The pipeline time of its time 0."""
    messages: Iterator[Result]
    notes: Callable[[], Iterable[str]]
    """What is wrong with it, a sentence each; complete once the stream has ended."""
    end_ns: Callable[[], int] = lambda: 0
    """How long it was, once the stream has ended; 0 where that is not known."""


def results_of(path: Path, settings: Settings, fps: float | None = None) -> Results:
    """Raises:
    UserError: it cannot be played.
    """
    return _of_session(path, settings, fps) if path.is_dir() else _of_file(path, settings, fps)


def _of_file(path: Path, settings: Settings, fps: float | None) -> Results:
    file = open_media(path)
    inference = open_face_inference(settings.inference)
    messages = label_media(file, settings, inference, fps)
    return Results(0, messages, file.damage.sentences, lambda: file.damage.end_ns)


def _of_session(path: Path, settings: Settings, fps: float | None) -> Results:
    from offline.label_session import label_session
    from recording.session import open_session

    session = open_session(path)
    inference = open_face_inference(settings.inference)

    def notes() -> Iterable[str]:
        yield from session.faults()
        if not session.sources(VIDEO_JPEG):
            yield "it holds no pictures: the faces that were recorded are joined"

    return Results(session.zero_ns, label_session(session, settings, inference, fps), notes)


def stated_s(path: Path) -> float:
    """How long it lasts, as far as that is known before it is read; else 0.

    Raises:
        UserError: it cannot be played.
    """
    if path.is_dir():
        return 0.0
    return open_media(path).damage.stated_ns / 1e9
