"""What a run does to its user's terminal."""

import os
import subprocess
import sys

import pytest

from tests.pipelines import PATIENCE_S, ROOT, environment

if sys.platform == "win32":
    pytest.skip("there are no such terminals on Windows", allow_module_level=True)

RUN = """
import sys
from commands.console import Console
from commands.plan import choose_display
from config.settings import DisplaySettings
from display import screen
screen.screen_available = lambda: False
print(choose_display(DisplaySettings(), quiet_stdout=False)[0], file=sys.stderr)
Console(taken=True).free_screen()
"""
SHELL = """
import os, signal, subprocess, sys
terminal, program, is_background = sys.argv[1:]
os.dup2(os.open(terminal, os.O_RDWR), 1)  # becomes the session's controlling terminal
job = subprocess.Popen([sys.executable, "-c", program], process_group=0 if is_background else None)
_, status = os.waitpid(job.pid, os.WUNTRACED)
if os.WIFSTOPPED(status):
    os.killpg(job.pid, signal.SIGKILL)
    sys.exit("it was stopped")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize(("place", "display"), [("", "terminal"), ("background", "none")])
def test_in_the_background_a_run_has_no_view_and_is_not_stopped_at_its_end(
    place: str, display: str
) -> None:
    master, slave = os.openpty()
    try:
        shell = subprocess.run(
            [sys.executable, "-c", SHELL, os.ttyname(slave), RUN, place],
            env=environment({"PYTHONPATH": str(ROOT)}),
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert (shell.returncode, shell.stderr) == (0, f"{display}\n")
