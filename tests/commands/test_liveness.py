"""What a launcher sees of its children's loops."""

import pytest

from commands.liveness import Liveness


@pytest.mark.parametrize("error", [EOFError, BrokenPipeError])
def test_a_pipe_that_has_ended_is_left_alone(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows raises the latter."""

    def ended(*_: object) -> bool:
        raise error

    liveness = Liveness()
    liveness.handed_over()
    monkeypatch.setattr("multiprocessing.connection.Connection.poll", ended)
    liveness.look()
    assert liveness.state == ""
