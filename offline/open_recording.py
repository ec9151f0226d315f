"""A media file, which is labelled first, or a recorded session, as a ``Recording``."""

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from capture.media import source_name
from capture.media_file import MediaFile, open_media
from capture.resample import Sound
from capture.sound_line import SoundLine
from config.settings import Settings
from inference.faces import open_face_inference
from messaging.schema import FaceEmotions
from offline.label import label_media
from offline.recording import Convert, Recording, Result, Shot
from offline.spool import read_spool, write_spool

Tell = Callable[[int, int], None]
"""Is told how far labelling has come, and how far it goes (0: unknown), in ns."""


def _tell_nobody(_at_ns: int, _end_ns: int) -> None:
    pass


@contextmanager
def recording_of(path: Path, settings: Settings, tell: Tell = _tell_nobody) -> Generator[Recording]:
    """Its results lie in a temporary folder until the block is left.

    Raises:
        UserError: it is neither, cannot be read, or the weights are damaged.
    """
    with tempfile.TemporaryDirectory(prefix="emofuse-") as folder:
        spool = Path(folder) / "results"
        if path.is_dir():
            from offline.session import session_recording

            yield session_recording(path, spool)
            return
        file = open_media(path)
        inference = open_face_inference(settings.inference)
        results = label_media(file, settings, inference)
        write_spool(spool, _told(results, file.damage.stated_ns, tell))
        yield media_recording(file, source_name(settings.media, path), spool)


def media_recording(file: MediaFile, name: str, spool: Path) -> Recording:
    """A file whose results lie in ``spool``, and which was read to its end."""

    def shots() -> Iterator[Shot]:
        for picture in open_media(file.path).pictures():
            yield Shot(picture.at_ns, name, picture.pixels)

    def sound(_: str, convert: Convert) -> Iterator[Sound]:
        line = SoundLine(convert)
        for block in open_media(file.path).blocks(line):
            yield from line.feed(*block)
        yield from line.flush()

    return Recording(
        file.path,
        zero_ns=0,
        duration_ns=file.damage.end_ns,
        media=file.path,
        cameras=() if file.video is None else (name,),
        microphones=() if file.audio is None else (name,),
        results=lambda: read_spool(spool),
        shots=shots,
        sound=sound,
        notes=tuple(file.damage.sentences()),
    )


def _told(results: Iterator[Result], end_ns: int, tell: Tell) -> Iterator[Result]:
    for result in results:
        if isinstance(result, FaceEmotions):
            tell(result.stamp.pipeline_ns, end_ns)
        yield result
