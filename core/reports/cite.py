"""How to cite a run: the program at its commit, the config by its hash, and where the problem is from."""

from __future__ import annotations

from datetime import UTC, datetime

import core
from core.reports.blocks import Block, Code, Words
from core.reports.run_facts import RunFacts


def cite_blocks(facts: RunFacts) -> list[Block]:
    """A BibTeX entry, and the source of the problem; nothing for another program's run."""
    if facts.config is None:
        return []
    noted = facts.origin.facts if facts.origin else {}
    version = noted.get("singularity-lab", core.__version__)
    commit = noted.get("commit", "unknown")
    year = datetime.fromtimestamp(facts.record.started, UTC).year if facts.record.started else datetime.now(UTC).year
    title = _bibtex(f"{facts.problem.title}: {facts.name}")
    entry = "\n".join(
        [
            f"@misc{{run-{facts.run_id[:12]},",
            f"  title = {{{title}}},",
            f"  note = {{Singularity Lab {version}, commit {commit}, config {facts.config.hash[:12]}, "
            f"run {facts.run_id}}},",
            f"  year = {{{year}}}",
            "}",
        ]
    )
    blocks: list[Block] = [Code(entry, "bibtex")]
    if facts.problem.source:
        blocks.append(Words(f"The problem is from {facts.problem.source}."))
    return blocks


def _bibtex(text: str) -> str:
    """A text within the braces of a field: what BibTeX and LaTeX would obey is written so that they show it."""
    named = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(named.get(c) or (f"\\{c}" if c in "%&#_$" else c) for c in text)
