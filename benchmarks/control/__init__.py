"""What the control of runs costs and survives: `python -m benchmarks.control --json FILE [--only PART …] [--quick]`."""
