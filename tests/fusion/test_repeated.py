"""Results that two workers gave for one picture: the second is dropped, and counted."""

from config.settings import FusionSettings
from fusion.align import Aligner
from tests.fusion.notation import arrive


def test_a_second_answer_changes_nothing_and_is_counted() -> None:
    once, twice = Aligner(FusionSettings()), Aligner(FusionSettings())
    expected = arrive(once, "O0 F1#0 F2#1 E3#2 U2 F4#3 C5#4")
    assert arrive(twice, "O0 F1#0 O0 F2#1 F1#0 E3#2 F2#1 E3#2 U2 F4#3 C5#4") == expected
    assert (once.repeated, twice.repeated) == (0, 4)


def test_what_never_came_before_is_no_repetition() -> None:
    aligner = Aligner(FusionSettings())
    arrive(aligner, "O0 F2#1 F1#0")
    assert (aligner.repeated, aligner.ignored) == (0, 1)


def test_a_file_that_plays_again_begins_anew() -> None:
    aligner = Aligner(FusionSettings())
    arrive(aligner, "O0 F1#0 C2#1 O0 F1#0 C2#1")
    assert aligner.repeated == 0


def test_sources_are_those_that_have_said_something() -> None:
    aligner = Aligner(FusionSettings())
    arrive(aligner, "O0 bO0 U10")
    assert aligner.sources == {"a", "b", "m"}
