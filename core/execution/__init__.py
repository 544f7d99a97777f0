"""A run from its config to its artifacts, in its own process."""
