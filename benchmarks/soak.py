"""The whole live pipeline, for long, while its processes are killed at random.

    python -m benchmarks.soak [--minutes 60] [--every 30] [--seed 1] [--json FILE]

A face at a network camera, a voice at a sound server, two inference workers, recorder, metrics and
the outlets to lab and stage: every kind of node that needs no screen. Every ``--every`` seconds one
of them, the hub included, gets SIGKILL; with 0 none does. Says how much memory each node holds
early and late, how soon labels are back after each kill, what was lost, whether the recorded
session's ledger adds up, and what is left behind: processes and files.
"""

import argparse
import json
import random
import signal
import socket
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.results import Results
from benchmarks.soaked import Kill, Sample, Soaked
from messaging.schema import FaceEmotions, Heartbeat, UtteranceEmotion
from tests.display.lab import lab_file
from tests.live import PATIENCE_S, LivePipeline, live_pipeline
from tests.pipelines import command_name, descendants, emofuse_within
from tests.sets import toml

NODES = {
    "hub": "hub",
    "camera": "camera",
    "microphone": "microphone",
    "worker-a": "inference",
    "worker-b": "inference",
    "join": "fusion",
    "screen": "terminal",
    "lsl": "lsl",
    "osc": "osc",
    "metrics": "metrics",
    "recorder": "recorder",
}
"""Names and kinds."""
GONE_S = 20.0
"""What still lives so long after the launcher is left behind."""


def tables(folder: Path, osc: str) -> str:
    """The settings' file."""
    keys: dict[str, dict[str, object]] = {
        "microphone": {"cameras": ["camera"]},
        "recorder": {"folder": str(folder / "session")},
        "metrics": {"port": 0},
        "osc": {"target": osc},
    }
    return toml(
        {f"nodes.{name}": {"kind": kind, **keys.get(name, {})} for name, kind in NODES.items()}
    )


@contextmanager
def stage() -> Generator[str]:
    """Somebody to send to, who never reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        host, port = taker.getsockname()
        yield f"{host}:{port}"


class Watch:
    """Takes note of what the pipeline says."""

    def __init__(self, live: LivePipeline) -> None:
        self._live = live
        self._began = time.monotonic()
        self.samples: dict[str, list[Sample]] = {}
        self.faces = 0
        self.labelled_ns: dict[str, int] = {}
        """When each utterance's last word came here."""

    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def pids(self) -> set[int]:
        return {sample.pid for samples in self.samples.values() for sample in samples}

    def take(self) -> None:
        """What was received since the last time; it is forgotten then."""
        for received in self._live.received:
            message: Any = received.message
            at_s = received.received_ns / 1e9 - self._began
            if isinstance(message, Heartbeat) and message.state == "running":
                sample = Sample(at_s, message.pid, message.uptime_ns / 1e9, message.rss_bytes)
                self.samples.setdefault(message.node, []).append(sample)
            elif isinstance(message, FaceEmotions) and message.faces:
                self.faces += 1
            elif isinstance(message, UtteranceEmotion) and message.final:
                self.labelled_ns[message.id] = received.received_ns
        self._live.received.clear()

    def is_undisturbed(self, utterance: dict[str, Any]) -> bool:
        """Whether no kill's outage came between its onset and its label."""
        labelled_ns = self.labelled_ns.get(utterance["id"])
        onset_ns = utterance["onset"]["captured_ns"]
        return labelled_ns is not None and not any(
            onset_ns < back_ns and hit_ns < labelled_ns for hit_ns, back_ns in self._live.outages
        )


def soak(seconds: float, every_s: float, victims: Sequence[str]) -> Soaked:
    """Let the pipeline run for so long, and every ``every_s`` seconds kill the next of ``victims``:
    all of them, though it takes longer where labels come back late. It ends with an utterance that
    began after the last outage, and was labelled.
    """
    kills: list[Kill] = []
    with tempfile.TemporaryDirectory(prefix="soak") as name, stage() as osc:
        folder = Path(name)
        config, temporary = folder / "soak.toml", folder / "tmp"
        config.write_text(tables(folder, osc))
        temporary.mkdir()
        with live_pipeline(
            *("--config", str(config)),
            longest_s=seconds + len(victims) * PATIENCE_S / 10,
            TMPDIR=str(temporary),
            LSLAPICFG=str(lab_file(folder)),
        ) as live:
            live.until(lambda: all(live.runs(node) for node in NODES))
            watch = Watch(live)
            while watch.elapsed_s() < seconds or len(kills) < len(victims):
                if len(kills) < len(victims) and watch.elapsed_s() >= (len(kills) + 1) * every_s:
                    victim, at_s = victims[len(kills)], watch.elapsed_s()
                    kills.append(Kill(victim, at_s, live.strike(victim, signal.SIGKILL)))
                    print(f"{at_s:.0f} s: {victim} back after {kills[-1].back_s:.2f} s", flush=True)
                live.listen()
                live.node.alive()
                watch.take()
            live.until(lambda: live.matched_since(max(live.outages, default=(0, 0))[1]))
            watch.take()
            seconds = watch.elapsed_s()
            pids = {*watch.pids(), *descendants(live.process.pid)}
            records, log = live.end()
            left = [*_living(pids), *map(str, temporary.iterdir()), *_files_of_hub(live)]
        info = emofuse_within(10 * PATIENCE_S, "info", folder / "session", "--json", demo=False)
    return Soaked(
        seconds,
        kills,
        watch.samples,
        watch.faces,
        [record for record in records[:-1] if watch.is_undisturbed(record)],
        live.process.returncode,
        records,
        log,
        left,
        info.returncode,
        json.loads(info.stdout),
    )


def _files_of_hub(live: LivePipeline) -> list[str]:
    return [str(path) for path in live.folder.glob("hub*")]


def _living(pids: set[int]) -> list[str]:
    """Those of our processes that do not end."""
    deadline = time.monotonic() + GONE_S
    while (left := [*filter(None, map(_name, pids))]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _name(pid: int) -> str:
    """Of one of our processes; empty where it has ended."""
    try:
        name = command_name(pid)
    except OSError:
        return ""
    return name if name.startswith("emofuse") else ""


def report(soaked: Soaked, results: Results) -> None:
    """Print it, and note it for the record."""
    minutes, nodes = soaked.seconds / 60, soaked.summary["nodes"]
    print(f"\n{minutes:g} min, {len(soaked.kills)} kills, exit code {soaked.exit_code}")
    print(f"{'':12}{'MB early':>10}{'late':>8}{'most':>8}{'growth':>9}{'kills':>7}"
          f"{'overtaken':>11}{'lost':>6}{'unknown':>9}{'rejected':>10}")  # fmt: skip
    for node in soaked.samples:
        if node not in nodes:
            continue  # who listens here
        kills = sum(kill.node == node for kill in soaked.kills)
        counts = nodes[node]
        line = f"{node:12}"
        if memory := soaked.memory(node):
            line += f"{memory.early:10.1f}{memory.late:8.1f}{memory.most:8.1f}{memory.growth:+9.1%}"
            results.note(f"memory of {node}, early", "MB", memory.early)
            results.note(f"memory of {node}, late", "MB", memory.late)
        else:
            line += f"{'never old':>35}"
        print(f"{line}{kills:7}{counts['dropped']:11}{counts['lost']:6}{counts['unknown']:9}"
              f"{counts['rejected']:10}")  # fmt: skip
    for kill in soaked.kills:
        results.note(f"back after a kill of {kill.node}", "s", kill.back_s)
    if soaked.kills:
        times = [kill.back_s for kill in soaked.kills]
        print(f"labels back after a kill: median {np.median(times):.2f} s, most {max(times):.2f} s")
    results.note("faces a minute", "", soaked.faces / minutes)
    results.note("utterances a minute", "", soaked.summary["utterances"] / minutes)
    print(f"a minute: {soaked.faces / minutes:.0f} pictures with a face, "
          f"{soaked.summary['utterances'] / minutes:.1f} utterances")  # fmt: skip
    if soaked.hung:
        print("taken for hung, and started again:", dict(soaked.hung))
    print("utterances that no kill came near:", soaked.undisturbed_by_status())
    faults = soaked.info["faults"]
    tails = sum("the tail is unknown" in fault for fault in faults)
    print(f"info ends with exit code {soaked.info_code}: {tails} tails unknown, "
          f"{len(faults) - tails} other faults")  # fmt: skip
    for title, lines in (
        ("wrong in the session", soaked.faults()),
        ("does not add up", soaked.miscounts()),
        ("left behind", soaked.left_behind),
    ):
        print(f"{title}: {len(lines) or 'nothing'}")
        for line in lines:
            print(f"  {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=30, help="seconds; 0: nobody is killed")
    parser.add_argument("--seed", type=int, default=1, help="of who is killed when")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(describe_machine())
    chance = random.Random(options.seed)
    seconds = 60 * options.minutes
    kills = ceil(seconds / options.every) - 1 if options.every else 0
    soaked = soak(seconds, options.every, chance.choices([*NODES], k=kills))
    results = Results()
    report(soaked, results)
    if options.json:
        results.write(options.json)
        samples = {node: [tuple(s) for s in of] for node, of in soaked.samples.items()}
        options.json.with_suffix(".samples.json").write_text(json.dumps(samples))


if __name__ == "__main__":
    main()
