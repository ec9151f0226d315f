"""The installed command, and the same for notebooks as data frames.

The wheel carries the project's folders inside this package, in ``_app``, so that none of their
names (``config``, ``display``) lands in anybody's site-packages. ``label`` and ``open_session`` run
the command in a process of its own: they change neither ``sys.path`` nor the modules of whoever
calls them, and need pandas (``pip install 'emofuse[lab]'``).
"""

import sys

from emofuse.app import APP, DEMO
from emofuse.notebook import EmofuseError, Session, Tables, label, open_session

__all__ = ["DEMO", "EmofuseError", "Session", "Tables", "label", "main", "open_session"]


def main() -> None:
    """The command."""
    sys.path.insert(0, str(APP))
    from run_pipeline import main as run

    run()
