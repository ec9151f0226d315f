"""Is this machine fit to run a pipeline, or its part of one? A file for each thing that is looked
at: what probes it, and a pure part that judges what the probe measured.
"""
