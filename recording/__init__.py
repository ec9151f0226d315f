"""Sessions: the bus as it was, on disk, and back on the bus again."""
