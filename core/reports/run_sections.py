"""The parts of a report about one run: from what is known of it to texts, tables and charts."""

from __future__ import annotations

from typing import Any

from core.config import RunConfig, flatten
from core.config.differences import field_words
from core.config.writing import config_yaml
from core.datasets import mesh_of
from core.reports.blocks import Block, Code, Folded, Formula, Section, Table, Words
from core.reports.cite import cite_blocks
from core.reports.curve_charts import Thinner, method_charts, run_charts
from core.reports.pieces import LATE, MOST_ROWS, pairs
from core.reports.result_blocks import result_blocks
from core.reports.run_facts import RunFacts
from core.reports.solution_figures import solution_figures
from core.reports.stage_blocks import certificate_blocks, stage_blocks, why_nothing


def run_sections(facts: RunFacts, thinner: Thinner, depth: int = 1, pictures: bool = True) -> list[Section]:
    """Everything about one run, what matters most first.

    Args:
        facts: the run.
        thinner: how many points its curves may have.
        depth: 2 where the report is about several runs.
        pictures: draw the solution, which takes torch and a second or two.
    """
    parts: list[tuple[str, list[Block]]] = [
        ("Result", result_blocks(facts)),
        ("What was solved", problem_blocks(facts)),
        ("Curves", curve_blocks(facts, thinner)),
        ("Solution", solution_blocks(facts, depth > 1, pictures)),
        ("Stages", stage_blocks(facts)),
        ("Certificate", certificate_blocks(facts)),
        ("What was asked for", asked_blocks(facts)),
        ("Lineage", lineage_blocks(facts)),
        ("Datasets", dataset_blocks(facts)),
        ("Provenance and environment", origin_blocks(facts)),
        ("How to run it again", replay_blocks(facts)),
        ("How to cite", cite_blocks(facts)),
    ]
    if facts.missing:
        parts.append(("Not in this report", [Words(sentence) for sentence in facts.missing]))
    return [Section(title, tuple(blocks), depth) for title, blocks in parts if blocks]


def problem_blocks(facts: RunFacts) -> list[Block]:
    """The equation set in LaTeX, the numbers in it, and where it holds."""
    problem = facts.problem
    if problem is None:
        return []
    blocks: list[Block] = [
        Words(problem.title + (f" ({problem.source})" if problem.source else "")),
        Formula(problem.equation),
    ]
    given = problem.model_dump(mode="json", exclude={"kind"})
    changed = problem.model_dump(mode="json", exclude={"kind"}, exclude_defaults=True)
    numbers = {key: value for key, value in flatten(given).items() if not isinstance(value, dict)}
    own = set(flatten(changed))
    rows = [(field_words(key), value_text(numbers[key])) for key in sorted(numbers, key=lambda key: key not in own)]
    rows = [row for row in rows if row[1] != "–"][:MOST_ROWS]
    box = ", ".join(f"{name} from {low:.6g} to {high:.6g}" for name, (low, high) in
                    zip(problem.coordinates, problem.domain(), strict=True))  # fmt: skip
    rows.append(("coordinates", box))
    if problem.gauge:
        rows.append(("gauge", problem.gauge))
    blocks.append(pairs(rows))
    if caution := problem.caution():
        blocks.append(Words(caution, "warning"))
    return blocks


def asked_blocks(facts: RunFacts) -> list[Block]:
    """What of the config is not the default, what the run chose or did otherwise, and the whole config, folded."""
    config = facts.config
    if config is None:
        return []
    rows = [(field_words(key), value_text(value)) for key, value in not_default(config).items()]
    blocks: list[Block] = [Words("Every field that is not at its default.", "note"), pairs(rows)] if rows else [
        Words("All fields are at their defaults.")]  # fmt: skip
    if facts.in_force is not None:
        for title, found in (("Left to the run, and what it chose", facts.in_force.resolved),
                             ("Otherwise than asked", facts.in_force.differing)):  # fmt: skip
            if found:
                rows = tuple(
                    (field_words(item.field), value_text(item.before), value_text(item.after)) for item in found
                )
                blocks.append(Table((title, "asked for", "in force"), rows[:MOST_ROWS]))
    return [*blocks, Folded(f"The whole config, hash {config.hash[:12]}", (Code(config_yaml(config), "yaml"),))]


def not_default(config: RunConfig) -> dict[str, Any]:
    """The leaves of a config that are not what they would be unasked; the problem's own stand with the problem."""
    data = config.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"problem"})
    stages = [stage.model_dump(mode="json", by_alias=True, exclude_defaults=True) for stage in config.stages]
    data = {key: value for key, value in data.items() if key not in ("stages", "name")}
    changed = {f"stages.{k}.{key}": value for k, stage in enumerate(stages) for key, value in flatten(stage).items()}
    return flatten(data) | {"stages": len(stages)} | changed


def value_text(value: Any) -> str:
    """A config's value for people."""
    if value is None or value == {} or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def curve_blocks(facts: RunFacts, thinner: Thinner) -> list[Block]:
    """All curves of all stages."""
    if facts.curves is None:
        return []
    problem = facts.problem
    unknown = "λ" if problem is None else problem.unknown
    reference = None if problem is None else problem.reference_lambda()
    charts = run_charts(facts.run_id, facts.curves, thinner, unknown, reference, facts.foreign)
    if not charts:
        return [Words(f"It has no curve: {why_nothing(facts)}.")]
    if not facts.foreign and (more := method_charts(facts.run_id, facts.curves, thinner)):
        charts = [*charts, Folded("What the methods recorded: loss, damping, steps", tuple(more))]
    if facts.curves.source == "MLflow" and not facts.foreign:
        return [Words("Its own history can't be had; these are the points that MLflow was given.", "note"), *charts]
    return list(charts)


def solution_blocks(facts: RunFacts, coarse: bool, pictures: bool) -> list[Block]:
    """Pictures of the solution; why there are none where there are none."""
    if facts.foreign or facts.problem is None:
        return []
    if not facts.folder.has_checkpoint:
        return [Words("No checkpoint of it is on this machine, so there is no solution to draw.")]
    if not pictures:
        return [Words(f"It is not drawn: {LATE}.")]
    return solution_figures(facts, coarse)


def lineage_blocks(facts: RunFacts) -> list[Block]:
    """Where it came from, and what came from it."""
    nodes = {node.run_id: node for node in facts.lineage}
    if len(nodes) < 2:
        return []
    line, at = [facts.run_id], nodes[facts.run_id].parent
    while at is not None and at not in line:
        line.append(at)
        at = nodes[at].parent if at in nodes else None

    def cells(node, what):
        return (what, node.name, node.state, node.run_id[:12], node.way)

    rows = [cells(nodes[run_id], "this run" if run_id == facts.run_id else "ancestor") for run_id in reversed(line)]
    children = [node for node in facts.lineage if node.parent == facts.run_id]
    rows += [cells(node, "started from it") for node in children]
    return [Table(("", "name", "state", "run", "along"), tuple(rows[:MOST_ROWS]))]


def dataset_blocks(facts: RunFacts) -> list[Block]:
    """The files that it learned from, each with its version."""
    problem = facts.problem
    if problem is None:
        return []
    rows = []
    if problem.uses_data:
        rows.append((str(problem.dataset), str(problem.dataset_version or "not pinned"), problem.dataset_columns or ""))
    if mesh := mesh_of(problem):
        rows.append((mesh.file, str(mesh.version), "mesh"))
    return [Table(("file", "version (Git blob id)", "columns"), tuple(rows))] if rows else []


def origin_blocks(facts: RunFacts) -> list[Block]:
    """Code, machine, versions, and the installed packages, folded."""
    found = facts.origin
    if facts.foreign:
        return []
    if found is None or not found.facts:
        return [Words("It noted no provenance: that is written when a run begins.")]
    blocks: list[Block] = [pairs(list(found.facts.items()))]
    if found.diff:
        blocks.append(Words("The code had changes that were not committed; they are kept with the run.", "warning"))
    if found.lock:
        packages = found.lock.decode("utf-8", "replace")
        blocks.append(Folded(f"Installed packages: {len(packages.splitlines())}", (Code(packages),)))
    return blocks


def replay_blocks(facts: RunFacts) -> list[Block]:
    """One line that trains it again, and one that verifies it."""
    if facts.foreign or facts.config is None:
        return []
    return [Code(f"python -m core replay {facts.run_id}", "bash")]
