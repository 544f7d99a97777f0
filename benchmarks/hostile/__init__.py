"""Malformed input against the whole program: `python -m benchmarks.hostile`."""
