"""A recorded session, played through the pipeline."""

from collections.abc import Callable, Sequence

from commands.about import other_models
from commands.plan import Plan
from commands.processes import Process
from commands.run import run
from commands.stdio import tell
from config.settings import Settings
from messaging.errors import UserError
from recording.player import messages
from recording.session import open_session


def replay(
    settings: Settings, choose: Callable[[Plan], Sequence[Process]], *, as_json: bool
) -> int:
    """Returns the exit code.

    Raises:
        UserError: there is no such session, it cannot be read, or nothing of it would be played.
    """
    chosen = settings.replay
    assert chosen.session is not None
    session = open_session(chosen.session)
    length_s = session.length_ns / 1e9
    if chosen.start_s and chosen.start_s >= length_s:
        raise UserError(f"--start {chosen.start_s:g} lies behind the end, {length_s:.1f} s")
    if chosen.end_s is not None and chosen.end_s <= chosen.start_s:
        raise UserError(f"--end {chosen.end_s:g} does not lie behind --start {chosen.start_s:g}")
    mode = session.setting("recording", "mode", "all")
    if chosen.start_from == "capture" and mode != "all":
        raise UserError(
            f"{chosen.session} was recorded in mode {mode}, without pictures; add --from faces"
        )
    if next(messages(session, chosen, {}), None) is None:
        raise UserError(
            f"{chosen.session} holds nothing to play"
            + (" between --start and --end" if chosen.start_s or chosen.end_s else "")
        )
    about = dict(session.about)
    if chosen.start_from == "capture" and (others := other_models(about, settings.inference)):
        tell(
            f"emofuse: the session was recorded with other models ({', '.join(others)}): "
            "labels may differ from those that it holds"
        )
    alone = settings.model_copy(update={"nodes": {}})  # those that a file names are the live ones
    return run(alone, choose, as_json=as_json)
