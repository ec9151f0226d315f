"""How cameras are shared out among workers, as these come and go."""

import pytest

from messaging.workers import Owners, share_out

CAMERAS = [f"camera-{number}" for number in range(12)]
WORKERS = ["a", "b", "c"]


def settled(owners: Owners, alive: dict[str, int], cameras: list[str]) -> dict[str, str]:
    owners.cameras.update(cameras)
    owners.look(alive, cameras)
    owners.move()
    return dict(owners.owners)


def test_every_camera_has_a_worker_and_none_has_more_than_its_share() -> None:
    shares = share_out(CAMERAS, WORKERS)
    assert sorted(shares) == sorted(CAMERAS)
    assert [list(shares.values()).count(worker) for worker in WORKERS] == [4, 4, 4]


@pytest.mark.parametrize("count", range(1, 12))
def test_two_workers_are_both_used(count: int) -> None:
    loads = list(share_out(CAMERAS[:count], ["a", "b"]).values())
    assert abs(loads.count("a") - loads.count("b")) <= 1


def test_the_order_of_names_does_not_matter() -> None:
    assert share_out(CAMERAS, WORKERS) == share_out(CAMERAS[::-1], WORKERS[::-1])


def test_only_the_dead_one_s_cameras_move() -> None:
    owners = Owners()
    before = settled(owners, dict.fromkeys(WORKERS, 1), CAMERAS)
    assert owners.look({"a": 1, "b": 1}, CAMERAS) == {"c"}
    after = owners.owners
    assert {c for c in CAMERAS if after[c] != before[c]} == {c for c in CAMERAS if before[c] == "c"}
    assert "c" not in after.values()


def test_cameras_come_back_with_their_worker_when_their_sender_sees_fit() -> None:
    owners = Owners()
    before = settled(owners, dict.fromkeys(WORKERS, 1), CAMERAS)
    settled(owners, {"a": 1, "b": 1}, CAMERAS)
    moved = dict(owners.owners)
    assert owners.look({"a": 1, "b": 1, "c": 2}, CAMERAS) == set()
    assert owners.owners == moved, "a planned move waits"
    owners.move()
    assert owners.owners == before


def test_a_restarted_worker_s_pictures_go_to_another_one_first() -> None:
    """What its former self had in hand, nobody else but the others knows."""
    owners = Owners()
    before = settled(owners, {"a": 1, "b": 1}, CAMERAS)
    assert owners.look({"a": 2, "b": 1}, CAMERAS) == {"a"}
    assert set(owners.owners.values()) == {"b"}
    assert settled(owners, {"a": 2, "b": 1}, CAMERAS) == before


def test_a_single_worker_that_is_silent_or_was_restarted_keeps_its_cameras() -> None:
    owners = Owners()
    before = settled(owners, {"a": 1}, CAMERAS)
    for alive in ({}, {"a": 1}, {}, {"a": 2}):
        assert owners.look(alive, CAMERAS) == set()
        assert owners.owners == before


def test_without_workers_nobody_is_named() -> None:
    assert settled(Owners(), {}, CAMERAS) == {}


def test_a_camera_that_comes_later_gives_both_something_to_do() -> None:
    first, second = Owners(), Owners()
    alive = {"a": 1, "b": 1}
    for camera in CAMERAS[1:]:
        settled(first, alive, CAMERAS[:1])
        one = settled(first, alive, [CAMERAS[0], camera])[CAMERAS[0]]
        other = settled(second, alive, [CAMERAS[0], camera])[camera]
        assert {one, other} == {"a", "b"}
        first, second = Owners(), Owners()
