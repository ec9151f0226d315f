"""Odd and broken files through the real command: labelled as far as they go, or one line."""

import os
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from capture.demo import CLIP, load_truth
from capture.resample import SAMPLE_RATE
from tests.capture.odd_clips import make_sound
from tests.capture.talk import talk
from tests.pipelines import emofuse, label


def test_half_a_session_gives_its_utterances_and_says_what_is_missing(tmp_path: Path) -> None:
    whole = CLIP.read_bytes()
    cut = tmp_path / "two words.mp4"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    outcome = label("--media", cut, "--speed", "max")
    truth = load_truth().utterances[:2]
    assert [record["label"] for record in outcome.utterances] == [t.label for t in truth]
    assert "but says that it lasts 18.000 s" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_gigabytes_of_nothing_after_a_session_are_told_and_never_taken_for_a_hung_node(
    tmp_path: Path,
) -> None:
    file = remuxed(CLIP, tmp_path / "long.mkv")
    length = file.stat().st_size
    os.truncate(file, 8 << 30)
    outcome = label("--media", file, "--speed", "max")
    truth = load_truth().utterances
    assert [record["label"] for record in outcome.utterances] == [t.label for t in truth]
    (line,) = outcome.stderr.splitlines()
    said, _, byte = line.rpartition(" ")
    assert said == (
        f"media: {file}: it breaks off: nothing to play comes in 256 MB after the packet at byte"
    )
    assert length * 0.9 < int(byte) <= length


def remuxed(clip: Path, into: Path) -> Path:
    """The same pictures and sound in another container."""
    with av.open(str(clip)) as source, av.open(str(into), "w") as out:
        add, mux = cast("Any", out).add_stream_from_template, cast("Any", out).mux
        streams = {stream.index: add(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                mux(packet)
    return into


def test_surround_sound_alone_gives_every_utterance_without_a_face(tmp_path: Path) -> None:
    def centre(channels: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        samples = np.zeros((len(talk()), channels), np.float32)
        samples[:, 2] = talk() / 32768
        return samples

    file = make_sound(tmp_path / "voice.mkv", "flac", SAMPLE_RATE, "5.1", centre)
    outcome = label("--media", file, "--speed", "max")
    for record, truth in zip(outcome.utterances, load_truth().utterances, strict=True):
        assert record["onset_s"] == pytest.approx(truth.onset_s, abs=0.1)
        assert record["offset_s"] == pytest.approx(truth.offset_s, abs=0.1)
        assert record["status"] == "gap_exceeded"


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX's")
def test_a_pipe_with_an_odd_name_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    pipe = tmp_path / "two\nlines.mp4"
    os.mkfifo(pipe)
    run = emofuse("--display", "none", "--json", "--media", pipe)
    assert run.returncode == 2
    said = run.stderr.splitlines()
    assert said[0].endswith(r"two\nlines.mp4 is no file; give a video or sound file")
    assert len(said) == 1, said
