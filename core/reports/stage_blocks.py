"""Stages, windows and certificate of a run as tables."""

from __future__ import annotations

from core.plain_text import lasting
from core.reports.blocks import Block, Table, Words
from core.reports.pieces import MOST_ROWS, known_so_far, size_text
from core.reports.run_facts import RunFacts
from core.runs.windows import marched
from core.singularity.certificate import WORDS, Certificate


def stage_blocks(facts: RunFacts) -> list[Block]:
    """The table of stages, and of windows of time."""
    blocks: list[Block] = []
    if facts.stages:
        full = any(row.ended or row.parameters for row in facts.stages)
        head = ("stage", "iterations", "time", "max residual before", "after", "RMS after")
        head += ("parameters", "σ", "ε", "method", "ended because") if full else ()
        rows = []
        for row in facts.stages[-MOST_ROWS:]:
            residuals = map(size_text, (row.before, row.after, row.rms_after))
            cells = (f"{row.number}", f"{row.iterations:,}", lasting(row.seconds), *residuals)
            if full:
                how = ", ".join(part for part in (row.optimizer.replace("_", " "), row.precision) if part)
                epsilon = "" if row.epsilon is None else size_text(row.epsilon)
                cells += (f"{row.parameters:,}" if row.parameters else "", row.sigma, epsilon, how, row.ended)
            rows.append(cells)
        blocks.append(Table(head, tuple(rows), frozenset(range(1, 9))).without_empty())
        if len(facts.stages) > MOST_ROWS:
            blocks.append(Words(f"The last {MOST_ROWS} of {len(facts.stages)} stages.", "note"))
        if not full:
            blocks.append(Words("Why each ended stands in its checkpoint, which is not here.", "note"))
    elif not facts.foreign:
        blocks.append(Words(f"It has no stage to tell of: {why_nothing(facts)}."))
    if facts.windows:
        problem = facts.problem
        time = (problem and problem.time) or "time"
        rows = tuple(
            (f"{step.begin:.6g}", f"{step.end:.6g}", f"{step.iterations:,}", lasting(step.seconds),
             size_text(step.max_residual), size_text(step.rms_residual),
             "halved" if step.halved else known_so_far(step), step.ended)
            for step in facts.windows[:MOST_ROWS]
        )  # fmt: skip
        head = (f"{time} from", "to", "iterations", "time", "max residual", "RMS", "", "ended because")
        blocks += [Words(f"In windows of time: {marched(facts.windows)}."), Table(head, rows, frozenset(range(6)))]
    return blocks


def why_nothing(facts: RunFacts) -> str:
    """Why a run has no row of history, as the end of a sentence."""
    if facts.state == "queued":
        return "it has not begun"
    if facts.foreign or (facts.curves is not None and facts.curves.source == "MLflow"):
        return "no metric of it was logged twice"
    return "no iteration can be read from its history" if facts.ended else "its history has no iteration so far"


def certificate_blocks(facts: RunFacts) -> list[Block]:
    """The residual certificate, region by region."""
    found = facts.certificate
    if found is None:
        return []
    holds = "holds" if found.holds else "does not hold"
    blocks: list[Block] = [
        Words(f"It {holds} at {found.tolerance:g}. λ {'=' if not found.lambda_text.startswith('≈') else ''} "
              f"{found.lambda_text}. Gauge: {found.gauge}.".replace("  ", " ")),
        Table(
            ("where", "|y| from", "to", "points", "max residual", "RMS residual"),
            tuple((WORDS[region.name], f"{region.low:.3g}", f"{region.high:.3g}", f"{region.points:,}",
                   size_text(region.max_residual), size_text(region.rms_residual)) for region in found.regions),
            frozenset(range(1, 6)),
        ),
    ]  # fmt: skip
    if found.contradiction:
        blocks.append(Words(found.contradiction, "warning"))
    blocks += _in_the_plane(found)
    return [*blocks, Words(f"Of {found.checkpoint}, SHA-256 {found.checkpoint_sha256}.", "note")]


def _in_the_plane(found: Certificate) -> list[Block]:
    blocks: list[Block] = []
    if found.equations:
        rows = tuple((name, size_text(value)) for name, value in found.equations.items())
        blocks.append(Table(("published equation, in vector form", "max residual, of its terms"), rows, frozenset({1})))
    if velocity := found.velocity:
        blocks.append(
            Words(f"Velocity against the integral of its vorticity (Biot–Savart) at {velocity.points} points: off by "
                  f"up to {velocity.max_relative_difference:.1e} of itself; the integral is trusted to "
                  f"{velocity.trusted:.1e}.")
        )  # fmt: skip
    return blocks
