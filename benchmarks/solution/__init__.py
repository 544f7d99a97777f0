"""The solution in 3D, and reports: measured against the bars of docs/benchmarks.md."""
