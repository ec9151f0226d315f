"""Times that begin anew go on where the part before has ended; single ones that are off do not."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from capture.media_file import open_media
from capture.seams import Seams
from tests.capture.clips import make_clip

MS = 1_000_000


@dataclass
class Stream:
    index: int


@dataclass
class Packet:
    """40 ms of a stream, at a time in ms."""

    dts: int | None
    stream: Stream = field(default_factory=lambda: Stream(0))
    duration: int = 40
    time_base: Fraction = Fraction(1, 1000)

    def __post_init__(self) -> None:
        self.pts = self.dts


def passed(seams: Seams, times: list[int | None], index: int = 0) -> list[int | None]:
    packets = [Packet(at, Stream(index)) for at in (*times, None)]
    out = [each for packet in packets for each in seams.passed(cast("Any", packet))]
    assert [*map(id, out)] == [*map(id, packets)], "all of them, in order"
    return [each.pts for each in out][:-1]


@pytest.mark.parametrize(
    ("times", "become", "seams"),
    [
        ([0, 40, 80], [0, 40, 80], 0),
        ([0, 40, 5000, 5040], [0, 40, 5000, 5040], 0),  # a pause
        ([0, 40, 5000], [0, 40, 5000], 0),
        ([0, 3000, 6000, 9000], [0, 3000, 6000, 9000], 0),  # a slow camera
        ([2000, 2040, 1900, 1940, 2120], [2000, 2040, 1900, 1940, 2120], 0),  # out of order
        ([4000, 4040, 0, 4080, 4120], [4000, 4040, None, 4080, 4120], 0),
        ([4000, 4040, 90_000, 4080, 4120], [4000, 4040, None, 4080, 4120], 0),
        ([4000, 4040, 0, 40, 80], [4000, 4040, 4080, 4120, 4160], 1),
        ([4000, 4040, 5, 45, 5, 45], [4000, 4040, 4080, 4120, 4080, 4120], 1),
        (
            [4000, 4040, 0, 40, 1000, 1960, 0, 40],
            [4000, 4040, 4080, 4120, 5080, 6040, 6080, 6120],
            2,
        ),
    ],
)
def test_what_times_become(times: list[int | None], become: list[int | None], seams: int) -> None:
    made = Seams([0])
    assert passed(made, times) == become
    assert made.count == seams
    assert made.damaged[0] == become.count(None)


def test_the_streams_of_a_part_are_moved_by_the_same_amount() -> None:
    made = Seams([0, 1])
    assert passed(made, [4000, 4040], 0) == [4000, 4040]
    assert passed(made, [3990, 4010], 1) == [3990, 4010]
    assert passed(made, [100, 140], 0) == [4080, 4120]
    assert passed(made, [90, 130], 1) == [4070, 4110]
    assert made.count == 1


def test_other_streams_pass() -> None:
    assert passed(Seams([0]), [4000, 4040, 0, 40], 7) == [4000, 4040, 0, 40]


@pytest.mark.parametrize(
    ("kind", "video", "audio"), [("ts", "libx264", "aac"), ("mpg", "mpeg2video", "mp2")]
)
def test_films_put_end_to_end_are_played_whole_and_in_step(
    kind: str, video: str, audio: str, tmp_path: Path
) -> None:
    one = make_clip(
        tmp_path / f"one.{kind}",
        video,
        audio,
        rate=48_000,
        pictures_ms=range(0, 3000, 40),
        sound_s=3.0,
    )
    film = tmp_path / f"film.{kind}"
    film.write_bytes(one.read_bytes() * 3)
    file = open_media(film)
    pictures = list(file.pictures())
    assert [picture.index for picture in pictures] == list(range(225))
    sound = np.abs(np.concatenate(list(file.sound())).astype(int))
    whole = open_media(one)
    first_ns = next(whole.pictures()).at_ns
    click_ns = np.abs(np.concatenate(list(whole.sound())).astype(int)).argmax() * 62_500
    for part in range(3):
        begin_ns = pictures[75 * part].at_ns
        begin = begin_ns // 62_500
        heard_ns = (begin + sound[begin : begin + 32_000].argmax()) * 62_500
        assert heard_ns - begin_ns == pytest.approx(click_ns - first_ns, abs=20 * MS)
    assert 8_900 * MS < file.damage.end_ns < 9_200 * MS
    assert "its times begin anew (2 times), what comes then follows on" in (file.damage.sentences())
