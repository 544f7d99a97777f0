"""What there is to run: presets and problems."""

from __future__ import annotations

from core.cli.output import say


def presets() -> None:
    """Ready runs."""
    from core.presets import presets as listed

    for preset in listed().values():
        error = "" if preset.relative_l2 is None else f"{preset.relative_l2:.1e}"
        say(f"{preset.name:<26} ~{preset.expected_seconds:>4.0f} s  {error:>7}  {preset.description}")


def problems() -> None:
    """The problems and their parameters, with the file of those from outside (LAB_PROBLEMS, or a package)."""
    from core.problem_source import source_file
    from core.problems import CATALOGUE
    from core.problems.external import kind_of

    for problem in CATALOGUE:
        parameters = [name for name in problem.model_fields if name != "kind"]
        source = source_file(problem)
        from_where = f"  {source}" if source else ""
        say(f"{kind_of(problem):<18} {problem.title:<32} {', '.join(parameters)}{from_where}")
