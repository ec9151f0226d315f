import subprocess
import sys

from messaging.clock import clock_name, monotonic_ns


def test_processes_of_one_host_name_the_same_clock() -> None:
    other = subprocess.run(
        [sys.executable, "-c", "from messaging.clock import clock_name; print(clock_name())"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert other.stdout.strip() == clock_name()


def test_the_clock_never_runs_backwards() -> None:
    instants = [monotonic_ns() for _ in range(1000)]
    assert instants == sorted(instants)
