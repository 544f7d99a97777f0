"""The cases, in the order in which they are measured.

To add some: a module of this package that ends in a tuple `CASES`, and its name in `MODULES`. It is imported with the
program light, so what is heavy is imported inside the functions that measure.
"""

from __future__ import annotations

from importlib import import_module

from benchmarks.scale.case import Case

MODULES: tuple[str, ...] = ("engines", "spread", "paper", "sweeps", "people", "store")
"""Modules of this package with cases."""


def cases() -> dict[str, Case]:
    """All cases by name. Raises ValueError where two have the same."""
    found: dict[str, Case] = {}
    for module in MODULES:
        for case in import_module(f"benchmarks.scale.{module}").CASES:
            if case.name in found:
                raise ValueError(f"two cases of benchmarks.scale are called {case.name}")
            found[case.name] = case
    return found
