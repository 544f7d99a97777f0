"""PINNacle's equations (arXiv 2306.08827), typed, each as a user runs it: `python -m benchmarks.pinnacle`."""
