"""A recorded session, replayed.

    python -m benchmarks.sessions [--seconds 120] [--clip FILE]

Records a file that plays in real time (``--clip``, else the demo session again and again), then
replays it from its pictures at 0.5x, 1x, 4x and as fast as it goes: are the final results the same,
byte for byte? It also says how often a replay from JPEG agrees with what was labelled live on raw
pictures, and how a replay at full speed compares with ``label`` on the same content.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.clips import make_clip
from benchmarks.live import FPS, ROOT
from benchmarks.machine import describe_machine
from messaging.schema import FaceEmotions, UtteranceEmotion
from messaging.topics import FACES, UTTERANCES
from messaging.wire import encode
from recording.session import open_session

RUNS = 3
SPEEDS = ("max", "max", "4", "1", "0.5")


def timed(*options: str | Path) -> float:
    """Seconds that the command takes, its start included."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, ROOT / "run_pipeline.py", *options], stdout=subprocess.DEVNULL, check=True
    )
    return time.monotonic() - began


def finals(session: Path) -> dict[str, bytes]:
    """Final results by utterance: all of the message but its envelope."""
    results = open_session(session).records(UTTERANCES)
    return {r.message.id: _body(r.message) for r in results if r.message.final}


def _body(result: UtteranceEmotion) -> bytes:
    return encode(UTTERANCES, result, "fusion", 0, 0)[1]


def faces(session: Path) -> dict[int, FaceEmotions]:
    """Results by picture."""
    found = open_session(session).records(FACES)
    return {r.message.index: r.message for r in found if r.message.event == "analysed"}


def labels(session: Path) -> dict[str, str]:
    results = open_session(session).records(UTTERANCES)
    return {r.message.id: r.message.label or r.message.status for r in results if r.message.final}


def agreement(live: dict[Any, Any], again: dict[Any, Any]) -> str:
    common = live.keys() & again.keys()
    same = sum(live[key] == again[key] for key in common)
    share = same / len(common) if common else 0.0
    return f"{same} of {len(common)} ({share:.2%}), {len(live)} live, {len(again)} replayed"


def label_of(message: FaceEmotions) -> tuple[str, ...]:
    return tuple(face.label for face in message.faces)


def measure(folder: Path, clip: Path) -> None:
    live = folder / "live"
    took = timed("--media", clip, "--display", "none", "--record", live)
    size = sum(part.stat().st_size for part in live.glob("*.mcap"))
    print(f"recorded in {took:.1f} s, {size / 1e6:.1f} MB, {len(finals(live))} utterances")
    first: dict[str, bytes] = {}
    for number, speed in enumerate(SPEEDS):
        into = folder / f"replay-{number}"
        replay = ("replay", live, "--speed", speed, "--display", "none")
        took = timed(*replay, "--record", into)
        found = finals(into)
        first = first or found
        print(
            f"replayed at {speed:>4}: {took:6.1f} s, {len(found)} final results, "
            f"{'the same bytes' if found == first else 'OTHER BYTES'}"
        )
    spoken = agreement(labels(live), labels(folder / "replay-0"))
    print(f"utterance labels, live on raw pictures and from JPEG: {spoken}")
    seen, again = faces(live), faces(folder / "replay-0")
    named = {k: label_of(v) for k, v in seen.items()}, {k: label_of(v) for k, v in again.items()}
    print(f"face labels, the same: {agreement(*named)}")
    full = ("replay", live, "--speed", "max", "--display", "none")
    quickest = min(timed(*full) for _ in range(RUNS))
    tables = [folder / f"tables-{run}" for run in range(RUNS)]
    labelled = min(timed("label", live, "--out", out) for out in tables)
    ratio = quickest / labelled
    print(
        f"replay at max {quickest:.1f} s, label of the same session {labelled:.1f} s: "
        f"{ratio:.2f} times as long, starts included"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--clip", type=Path, help="a file of talking heads instead of the demo")
    options = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        clip = options.clip
        if clip is None:
            clip = Path(name) / "long.mp4"
            make_clip(clip, options.seconds, FPS)
        measure(Path(name), clip)


if __name__ == "__main__":
    main()
