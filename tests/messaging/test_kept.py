"""What a sender can send again."""

from messaging.kept import AGAIN_NS, KEPT_NS, MOST_KEPT, Kept


def kept(count: int, every_ns: int = 0) -> Kept:
    sent = Kept()
    for seq in range(count):
        sent.keep(seq, [str(seq).encode()], seq * every_ns)
    return sent


def again(sent: Kept, first: int, last: int, now_ns: int = 0) -> list[int]:
    return [int(bytes(parts[0])) for parts in sent.again(first, last, now_ns)]


def test_what_is_asked_for_is_sent_again_in_order() -> None:
    assert again(kept(9), 3, 6) == [3, 4, 5, 6]


def test_no_more_is_sent_than_there_is() -> None:
    assert again(kept(3), -5, 2**62) == [0, 1, 2]
    assert again(kept(3), 2, 1) == []
    assert again(Kept(), 0, 9) == []


def test_what_is_old_is_kept_no_more() -> None:
    sent = kept(100, KEPT_NS // 10)
    assert sent.first == 89
    assert again(sent, 80, 90) == [89, 90]


def test_no_more_is_kept_than_so_many() -> None:
    sent = kept(MOST_KEPT + 5)
    assert sent.first == 5
    assert again(sent, 0, 6) == [5, 6]


def test_for_readers_that_ask_at_once_it_is_sent_once() -> None:
    sent = kept(9)
    assert again(sent, 3, 5, 10) == [3, 4, 5]
    assert again(sent, 4, 7, 11) == [6, 7]
    assert again(sent, 3, 5, 10 + AGAIN_NS) == [3, 4, 5]
