"""The installed command.

The wheel carries the project's folders inside this package, in ``_app``, so that none of their
names (``config``, ``display``) lands in anybody's site-packages.
"""

import sys
from pathlib import Path

_APP = Path(__file__).parent / "_app"


def main() -> None:
    sys.path.insert(0, str(_APP if _APP.is_dir() else _APP.parent.parent))
    from run_pipeline import main as run

    run()
