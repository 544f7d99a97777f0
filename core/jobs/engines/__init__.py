"""Engines: where attempts of jobs are run. `contract` says what one is; the local one, and those that clusters run."""
