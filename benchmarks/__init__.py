"""Measurements. Each file is a script: ``python -m benchmarks.NAME``; figures in the docs name
theirs.
"""
