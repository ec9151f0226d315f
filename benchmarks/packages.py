"""Packages that a comparison alone needs: installed into a folder of their own, while it lasts."""

import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def installed(*packages: str) -> Generator[str]:
    """A folder to import them from, without what they depend on; empty where they cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        run = subprocess.run([*pip, *packages], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"{packages[0]} is left out: {run.stderr.strip().splitlines()[-1]}")
        yield "" if run.returncode else folder
