"""The commands, a small file each, and the supervision of processes."""
