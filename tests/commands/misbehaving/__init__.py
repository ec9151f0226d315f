"""Nodes that do what no node should, for the supervisor to deal with."""
