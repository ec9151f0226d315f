"""Settings: read once, frozen, one section a node. Imports nothing of the project's own."""
