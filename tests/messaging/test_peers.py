"""Who lives, as heartbeats tell: also when nobody at all was heard for a while."""

from messaging.peers import Peers
from messaging.schema import Heartbeat, Stamp
from messaging.topics import HEARTBEAT
from messaging.wire import Received

MS = 1_000_000
DEAD_NS = 750 * MS
EVERY_MS = 125


def heard(peers: Peers, at_ms: int, *names: str) -> set[str]:
    """Who lives once these have been heard; something else may have come as well."""
    peers.hear(at_ms * MS)
    for name in names:
        beat = Heartbeat(Stamp(0, "clock"), name, "running", 1, kind="inference", cameras=(name,))
        peers.note(Received(HEARTBEAT, beat, memoryview(b""), name, 1, 0, at_ms * MS))
    living = set(peers.running("inference", DEAD_NS))
    assert living <= peers.cameras()
    return living


def test_a_dead_one_is_noticed_within_a_second_while_others_are_heard() -> None:
    peers = Peers()
    heard(peers, 0, "dead", "alive")
    for at_ms in range(EVERY_MS, 751, EVERY_MS):
        assert heard(peers, at_ms, "alive") == {"dead", "alive"}
    assert heard(peers, 875, "alive") == {"alive"}


def test_after_a_silence_of_all_each_has_as_long_as_ever_to_come_back() -> None:
    """Their connections to the hub are made anew, one later than the other."""
    peers = Peers()
    heard(peers, 0, "late")
    heard(peers, 100, "first")
    assert set(peers.running("inference", DEAD_NS)) == {"late", "first"}
    for back_ms in range(5_000, 5_600, EVERY_MS):
        assert heard(peers, back_ms, "first") == {"late", "first"}
    assert heard(peers, 5_625, "late", "first") == {"late", "first"}


def test_they_may_come_back_one_by_one_with_pauses_between() -> None:
    """The node itself first: it hears its own heartbeat, and then nobody for a while."""
    peers = Peers()
    heard(peers, 100, "late", "first")
    assert heard(peers, 5_000) == {"late", "first"}
    assert heard(peers, 5_550, "first") == {"late", "first"}
    assert heard(peers, 5_625, "late", "first") == {"late", "first"}


def test_who_died_in_the_silence_is_noticed_as_soon_after_it() -> None:
    peers = Peers()
    heard(peers, 0, "dead", "alive")
    for back_ms in range(5_000, 5_751, EVERY_MS):
        assert heard(peers, back_ms, "alive") == {"dead", "alive"}
    assert heard(peers, 5_875, "alive") == {"alive"}
