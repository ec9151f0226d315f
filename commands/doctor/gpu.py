"""Is there a GPU, and does TensorFlow see it?"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from commands.doctor.finding import Finding
from inference.engine import gpu_is_there

NAME = "gpu"
PATIENCE_S = 180
ASK = """
import json, tensorflow
gpus = tensorflow.config.list_physical_devices("GPU")
print(json.dumps([tensorflow.__version__, [gpu.name for gpu in gpus]]))
"""


@dataclass(frozen=True, slots=True)
class Graphics:
    is_there: bool
    """As the driver's device files tell."""
    is_installed: bool
    """TensorFlow."""
    version: str = ""
    """TensorFlow's; empty where it was not asked."""
    seen: tuple[str, ...] = ()
    """GPUs that TensorFlow sees."""
    error: str = ""
    """Why TensorFlow could not be asked."""


def judge(found: Graphics, engine: str) -> Finding:
    """``engine`` is what the settings ask for."""
    if not found.is_installed:
        if engine == "tensorflow":
            return Finding(
                NAME,
                "failure",
                "inference.engine is tensorflow, which is not installed",
                "install emofuse[full], or set it to litert",
            )
        if found.is_there:
            return Finding(
                NAME,
                "warning",
                "there is one, but no TensorFlow to use it: LiteRT works on the CPU",
                "install emofuse[full], or set inference.engine to litert",
            )
        return Finding(NAME, "fine", "none, and no TensorFlow: LiteRT works on the CPU")
    if found.error:
        return Finding(
            NAME,
            "failure",
            f"TensorFlow cannot be imported: {found.error}",
            "install emofuse[full] again, or set inference.engine to litert",
        )
    if found.seen:
        return Finding(NAME, "fine", f"TensorFlow {found.version} sees {', '.join(found.seen)}")
    if found.is_there:
        return Finding(
            NAME,
            "warning",
            f"there is one, but TensorFlow {found.version} does not see it: LiteRT works on the "
            "CPU",
            "install CUDA's libraries (pip install 'tensorflow[and-cuda]') and a driver that fits",
        )
    told = f"{found.version} can be imported" if found.version else "is there, and not needed"
    return Finding(NAME, "fine", f"none: LiteRT works on the CPU; TensorFlow {told}")


def examine(engine: str, *, deep: bool) -> Finding:
    """TensorFlow is asked in a process of its own, where there is a GPU or it is to go ``deep``."""
    is_there, is_installed = gpu_is_there(), find_spec("tensorflow") is not None
    if not is_installed or not (is_there or deep):
        return judge(Graphics(is_there, is_installed), engine)
    return judge(_asked(is_there=is_there), engine)


def _asked(*, is_there: bool) -> Graphics:
    try:
        asked = subprocess.run(
            [sys.executable, "-c", ASK],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        version, seen = json.loads(asked.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Graphics(is_there, is_installed=True, error=f"it took more than {PATIENCE_S} s")
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).splitlines() or [f"exit code {error.returncode}"]
        return Graphics(is_there, is_installed=True, error=lines[-1])
    return Graphics(is_there, is_installed=True, version=version, seen=tuple(seen))
