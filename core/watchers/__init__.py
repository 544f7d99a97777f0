"""Watchers: a run's curve and machine held against its rules, and the channels that people are told by."""
