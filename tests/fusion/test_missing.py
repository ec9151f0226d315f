"""Pictures that nobody looked at, told in arrivals (``notation``)."""

import pytest

from config.settings import FusionSettings
from fusion.align import Aligner
from tests.fusion.notation import arrive


@pytest.mark.parametrize(
    ("arrivals", "missing"),
    [
        # within 6 ... 12: the span, and as near as the face
        ("O0 F8#0 U10 E12#1", [0]),
        ("O0 F8#0 U10 E12#3", [2]),
        ("O0 F8#0 E12#3 U10", [2]),
        ("O0 F6#0 F8#2 U10 E12#3", [1]),
        ("O0 F2#0 F6#4 F8#5 U10 E12#6", [0]),
        ("O0 F2#0 F7#4 F8#5 U10 E12#6", [3]),
        ("O0 F8#0 E12#1 E20#5 U10", [0]),
        ("O0 F8#0 E11#1 E20#5 U10", [3]),
        ("O0 F8#0 U10 E11#1 E20#5", [3]),
        ("O0 F2#0 F8#3 F9#5 U10 E12#9", [6]),
        # until max_gap where there is no face
        ("O0 U10 E511#4", [4]),
        ("O0 E510#0 E520#4 U10", [0]),
        # before the first message that came, and where a source begins anew
        ("O5 F8#3 U10 E12#4", [3]),
        ("F8#3 U10 E12#4", [3]),
        ("O0 F2#7 O5 F8#0 U10 E12#1", [0]),
        ("O0 F2#7 O5 F8#1 U10 E12#2", [1]),
        ("O0 F2#7 F8#2 U10 E12#3", [2]),
        ("O0 F2#0 F8000#3 O5 F8#0 U10 E12#1", [0]),
        ("O0 F2#0 F8000#3 O7 F8#0 U10 E12#1", [2]),
        ("O0 F2#0 F8#1 F8000#4 O8 F8#0 U10 E12#1", [0]),
        # where a replay begins in the middle of a source
        ("O7#7 F8#7 U10 E12#8", [7]),
        ("O5#7 F8#7 U10 E12#8", [0]),
        ("O0 F2#0 O7#1 F8#1 U10 E12#2", [0]),
        # a gap is no picture, or one that nobody could read
        ("O0 F8#0 G9#1 G10#1 U10 E12#1", [0]),
        ("O0 F8#0 G9#1 G10#1 U10 E12#2", [1]),
        ("O0 F8#0 G9#1 G10#2 U10 E12#3", [2]),
        ("O0 F8#0 U10 G12#1 E14#2", [1]),
        ("O0 F8#0 U10 G13#1 E14#2", [0]),
        ("O0 F8#0 U10 G13#3 E14#4", [2]),
        # the last ones of a source
        ("O0 F8#0 U10 C20#1", [0]),
        ("O0 F8#0 U10 C20#3", [2]),
        ("O0 F8#0 U10 C5#3", [2]),
        # a message that was ignored is a picture that was not looked at
        ("O0 F8#0 E8#1 U10 E12#2", [1]),
        # several cameras
        ("aO0 bO0 F8#0 bE7#0 U10 bE12#3 E12#2", [3]),
    ],
)
def test_pictures_that_nobody_looked_at_are_counted_where_they_matter(
    arrivals: str, missing: list[int]
):
    results = arrive(Aligner(FusionSettings()), arrivals)
    assert [result.missing for result in results] == missing
    assert all(result.settled for result in results)


def test_more_missing_pictures_than_a_message_can_tell_are_as_many_as_it_can():
    most = 2**63 - 1
    arrivals = f"aO0 bO0 F8#{most} bF8#{most} U10 C20#{most} bC20#{most}"
    [result] = arrive(Aligner(FusionSettings()), arrivals)
    assert result.missing == most
