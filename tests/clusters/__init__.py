"""Real clusters for tests, small ones on this machine: SLURM with munge, Ray in a network namespace."""
