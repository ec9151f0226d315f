"""Makes the small session that is kept of the wire version of today.

    python -m tests.recording.make_sessions

Two seconds of the demo session, small, recorded through the real pipeline; then written once more
without what only concerns the machine. What is there already is kept: old versions stay as they
were recorded.
"""

import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from capture.demo import CLIP
from messaging.wire import VERSION
from recording.part import PartWriter
from recording.session import (
    ABOUT,
    MANIFEST,
    Session,
    create_session,
    next_part,
    open_session,
    read_json,
    write_json,
)
from tests.pipelines import label

SESSIONS = Path(__file__).parent / "sessions"
BEGIN_S, END_S, FPS, WIDTH, HEIGHT = 0.44, 2.8, 5, 128, 96
CLIP_FPS = 25


def make_clip(path: Path) -> None:
    out: Any
    clip: Any
    with av.open(path, "w") as out, av.open(CLIP) as clip:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = out.add_stream("aac", rate=16_000, layout="mono")
        for picture in clip.decode(video=0):
            number, rest = divmod(round((picture.time - BEGIN_S) * CLIP_FPS), CLIP_FPS // FPS)
            if not rest and BEGIN_S <= picture.time < END_S:
                small = picture.reformat(WIDTH, HEIGHT)
                small.pts, small.time_base = number, Fraction(1, FPS)
                out.mux(video.encode(small))
        clip.seek(0)
        for sound in clip.decode(audio=0):
            if BEGIN_S <= sound.time < END_S:
                sound.pts -= round(BEGIN_S * sound.sample_rate)
                out.mux(audio.encode(sound))
        out.mux(video.encode())
        out.mux(audio.encode())


def copy(session: Session, folder: Path) -> None:
    about: dict[str, Any] = {**session.about, "host": "example", "system": "Linux"}
    about["settings"]["media"]["file"] = "clip.mp4"
    about["settings"]["recording"]["folder"] = "session"
    about["settings"]["bus"]["address"] = ""
    create_session(folder, about)
    writer = PartWriter(next_part(folder), {"wire_version": str(VERSION), "host": "example"})
    for received in session.records():
        writer.write(received, received.received_ns)
    writer.finish()
    write_json(folder / MANIFEST, read_json(session.path / MANIFEST))


def main() -> None:
    folder = SESSIONS / f"v{VERSION}"
    if (folder / ABOUT).exists():
        raise SystemExit(f"{folder} is there already")
    with tempfile.TemporaryDirectory() as name:
        clip, recorded = Path(name) / "clip.mp4", Path(name) / "session"
        make_clip(clip)
        label(
            *("--media", clip, "--speed", "max", "--record", recorded),
            demo=False,
            EMOFUSE_BUS__JPEG_QUALITY="40",
        )
        copy(open_session(recorded), folder)


if __name__ == "__main__":
    main()
