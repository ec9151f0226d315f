"""Machines with keys: folders, as their users would make them."""

from pathlib import Path

from messaging.keys import Keys, let_in, make_keys, read_keys, set_hub


def machine(folder: Path, hub: Keys | None = None, *, known: bool = True) -> Keys:
    """With new keys; one that connects to ``hub``, which has its key if that is ``known``."""
    keys = make_keys(folder, folder.name)
    if hub is None:
        return keys
    set_hub(keys, hub.name, hub.public)
    if known:
        let_in(hub, keys.name, keys.public)
    return read_keys(folder)
