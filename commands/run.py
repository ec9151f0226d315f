"""The full pipeline on one machine: hub, sources, inference, fusion and display."""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from commands.console import Console, LogHandler, is_view_shown
from commands.plan import LAUNCHER, RECORDER, Plan, make_plan
from commands.processes import REFUSED, Process
from commands.results import Summary, print_json, stdout_for_json, utterance_record
from commands.share import choose_share, plan_share
from commands.stdio import tell
from commands.supervisor import STARTING_S, Child, Supervisor
from config.settings import Settings
from messaging.address import (
    PRIVATE_PREFIX,
    endpoints,
    private_address,
    refuse_strangers,
)
from messaging.clock import clock_name, monotonic_ns
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Heartbeat, LogRecord, UtteranceEmotion
from messaging.text import plain
from messaging.topics import CONTROL, HEARTBEAT, LOG, UTTERANCES

LISTEN_S = 0.1
TOLD_S = 5.0
"""A wait for another machine's hub that lasts longer is worth a word."""


class Launcher:
    """Listens to a running pipeline: results, logs, heartbeats, and the wish to stop."""

    def __init__(
        self,
        node: Node,
        supervisor: Supervisor,
        console: Console,
        begin_recording: Callable[[], None],
        *,
        as_json: bool,
        zero_ns: int | None = None,
    ) -> None:
        """``begin_recording`` is called when somebody asks for it. ``zero_ns`` is the pipeline time
        of a session's time 0; without one times count from now.
        """
        self.node = node
        self._begin_recording = begin_recording
        self._supervisor = supervisor
        self._console = console
        self._as_json = as_json
        self.summary = Summary(shows_rows=not as_json)
        self._zero_ns, self._began_ns = zero_ns, monotonic_ns()
        self._heard_s = time.monotonic()

    def listen(self) -> None:
        """Take in what has arrived: once a second its own heartbeat at least."""
        ours = self._supervisor.pids
        arrived = self.node.receive(LISTEN_S)
        if arrived:
            self._heard_s = time.monotonic()
        for received in arrived:
            message = received.message
            if isinstance(message, UtteranceEmotion):
                self._take(message)
            elif isinstance(message, Heartbeat) and message.pid in ours and _is_of_here(message):
                self.summary.pulses.note(message)
                self._console.progress(self.summary.pulses.played)
            elif isinstance(message, LogRecord) and received.sender != self.node.name:
                self._console.say(plain(f"{message.node}: {message.text}"))
            elif isinstance(message, Control) and message.action == "stop":
                self._supervisor.end(plain(f"{message.reader} asked to stop"))
            elif isinstance(message, Control) and message.action == "record":
                self._begin_recording()

    def _take(self, result: UtteranceEmotion) -> None:
        if result.final:
            if self._zero_ns is None:  # only now: by now the hub's clock is known
                now = self.node.stamp()
                self._zero_ns = now.pipeline_ns - (now.captured_ns - self._began_ns)
            self.summary.take(result, self._zero_ns)
            if self._as_json and not print_json(utterance_record(result, self._zero_ns)):
                self._supervisor.end("nobody reads standard output any more")

    def supervise(self) -> None:
        """Until the run is over, or somebody interrupts it."""
        while self.node.alive():
            self.listen()
            silent_s = time.monotonic() - self._heard_s
            self._supervisor.check(self.summary.pulses.newest, silent_s=silent_s)
            if self._supervisor.ended_by:
                return
        self._supervisor.end("interrupted")


def run(
    settings: Settings,
    choose: Callable[[Plan], Sequence[Process]],
    *,
    as_json: bool,
    only: Sequence[str] | None = None,
    host: str | None = None,
) -> int:
    """Run until the sources end or somebody says stop; of the nodes that the settings name those
    called ``only``, or those of a ``host``. Returns the exit code.
    """
    share = choose_share(settings, only, host)
    if settings.bus.address:
        endpoints(settings.bus.address)
    if settings.bus.address and share.has_hub and not settings.nodes:
        way_out = f"start hub --bind {settings.bus.address} --insecure, and the nodes by hand,"
        if settings.bus.keys is None:
            refuse_strangers(settings.bus.address, way_out)
    with _private_folder() as folder, stdout_for_json() if as_json else nullcontext():
        address = settings.bus.address or _private_address(Path(folder))
        if settings.nodes:
            plan = plan_share(settings, share, address, quiet_stdout=as_json)
        else:
            plan = make_plan(settings, address, quiet_stdout=as_json)
        for note in (*plan.notes, *speed_notes(plan)):
            tell(f"emofuse: {note}")
        _begin_sessions(plan)
        return _run(plan, choose, as_json=as_json)


def speed_notes(plan: Plan) -> list[str]:
    """Where a speed is asked for, and only devices run."""
    speed = plan.settings.media.speed
    kinds = {node.kind for node in plan.settings.nodes.values()} or set(plan.sources)
    if speed == 1 or "media" in kinds or not kinds & {"camera", "microphone"}:
        return []
    return [f"speed {speed} is for a file (--media): cameras and microphones have their own"]


def _begin_sessions(plan: Plan) -> None:
    """One for each recorder that runs here."""
    recorders = [node.settings for node in plan.nodes if node.kind == RECORDER]
    for settings in recorders if plan.nodes else [plan.settings]:
        if settings.recording.folder is not None:
            own = plan.settings.model_copy(update={"recording": settings.recording})
            _begin_session(settings.recording.folder, own)


def _begin_session(folder: Path, settings: Settings) -> None:
    from commands.about import begin_session  # MCAP, for those alone who record

    begin_session(folder, settings)


def _zero_ns(session: Path) -> int:
    from recording.session import open_session

    return open_session(session).zero_ns


def _private_folder() -> "tempfile.TemporaryDirectory[str]":
    try:
        return tempfile.TemporaryDirectory(prefix=PRIVATE_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(
            f"no temporary folder can be made: {error.strerror}; name a writable one in TMPDIR"
        ) from error


def _private_address(folder: Path) -> str:
    address = private_address(folder)
    try:
        endpoints(address)
    except UserError as error:
        raise UserError(
            f"{folder.parent} is too long for a socket's name; name a shorter folder in TMPDIR"
        ) from error
    return address


def _is_of_here(beat: Heartbeat) -> bool:
    """Another machine's processes may have the same numbers."""
    return beat.stamp.clock == clock_name()


class _OverError(Exception):
    """The run ended before it began."""


class OnRequest:
    """Starts the recorder of a run that was not recorded from its beginning, when asked to."""

    def __init__(
        self,
        plan: Plan,
        choose: Callable[[Plan], Sequence[Process]],
        supervisor: Supervisor,
        node: Node,
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._choose = plan, choose
        self._supervisor, self._node, self._say = supervisor, node, say
        named = plan.settings.nodes.values()  # also those that run elsewhere
        self._is_planned = plan.settings.recording.folder is not None or any(
            node.kind == RECORDER for node in named
        )
        self._started: Child | None = None

    def _is_there(self) -> bool:
        """One that was started by hand counts, too."""
        starts = self._started is not None and not self._started.done
        return self._is_planned or starts or bool(self._node.running(RECORDER))

    def begin(self) -> None:
        """A recorder that is there already hears the request itself."""
        if self._is_there():
            return
        if self._plan.nodes:
            self._say(
                "nothing is recorded: none of the nodes is a recorder; "
                'add a table [nodes.NAME] with kind = "recorder"'
            )
            return
        folder = Path(time.strftime("emofuse-%Y%m%d-%H%M%S"))
        recording = self._plan.settings.recording.model_copy(update={"folder": folder.absolute()})
        settings = self._plan.settings.model_copy(update={"recording": recording})
        try:
            _begin_session(folder, settings)
        except UserError as error:
            self._say(str(error))
            return
        (row,) = set(self._choose(replace(self._plan, settings=settings))) - set(
            self._choose(self._plan)
        )
        self._started = self._supervisor.add(row, settings)
        self._say(f"recording into {folder}")


def _run(plan: Plan, choose: Callable[[Plan], Sequence[Process]], *, as_json: bool) -> int:
    taken = plan.display == "terminal" and is_view_shown()
    console = Console(taken=taken, shows_progress=not as_json)
    rows = choose(plan)
    supervisor = Supervisor(rows, plan.settings, console.say)
    began, told = time.monotonic(), False
    has_hub = any(row.name == "hub" for row in rows)

    def look_after_children() -> None:
        nonlocal told
        waited_s = time.monotonic() - began
        if has_hub and waited_s > STARTING_S:
            supervisor.fail(f"the hub did not start within {STARTING_S:g} s")
        if not has_hub and waited_s > TOLD_S and not told:
            console.say(
                f"no hub answers at {plan.settings.bus.address} yet; it is waited for. It runs "
                "where the node of kind hub does, or by hand: emofuse hub --bind ADDRESS"
            )
            told = True
        supervisor.check({})
        if supervisor.ended_by:
            raise _OverError

    node = Node(
        plan.launcher,
        plan.settings.bus.address,
        (UTTERANCES, LOG, CONTROL, HEARTBEAT),
        plan.settings.log_level,
        connect_timeout_s=math.inf,  # that is seen to meanwhile
        meanwhile=look_after_children,
        keys=plan.settings.bus.keys,
        kind=LAUNCHER,
        is_unique=False,
        shows_log=LogHandler(console, plan.launcher),
        tells_silence=not has_hub,  # the supervisor tells of its own
    )
    recording = OnRequest(plan, choose, supervisor, node, console.say)
    zero_ns = _zero_ns(plan.session) if plan.session else None
    launcher = Launcher(
        node, supervisor, console, recording.begin, as_json=as_json, zero_ns=zero_ns
    )
    try:
        with supervisor, node:
            launcher.supervise()
            supervisor.stop(launcher.listen)
    except _OverError:
        pass  # and was said why
    finally:
        console.free_screen()
    summary = launcher.summary
    if supervisor.exit_code == REFUSED and not summary.results.utterances:
        return REFUSED
    summary.restarts, summary.ended_by = supervisor.restarts, supervisor.ended_by
    summary.as_it_should = not supervisor.exit_code
    if as_json:
        print_json(summary.record())
    else:
        summary.print()
    return supervisor.exit_code
