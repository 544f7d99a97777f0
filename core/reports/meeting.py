"""A report for a meeting: what ended since a moment, the best of each problem, what failed and why."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core import jobs
from core.errors import LabError
from core.plain_text import lasting, shortened
from core.reports.blocks import Block, Section, Table, Words
from core.reports.lambda_section import lambda_section
from core.reports.pieces import size_text
from core.reports.times import moment
from core.runs.states import ACTIVE, ENDED, UNKNOWN
from core.settings import settings
from core.singularity.certificate import TAG
from core.singularity.found import LAMBDA, lambda_of
from core.singularity.laws import PARAMETERS
from core.tracking import store
from core.tracking.store import RunRecord
from core.tracking.tags import REASON

MOST = 300
"""Runs in a table."""
NAMED = 20
"""Runs that a sentence names."""
TYPED, LONGEST = "equations", 80
"""The param of a typed problem with its equations, and characters of them that are shown."""
RANKED = "dense_max_residual"
"""Metric by which runs of a problem are the better."""


def since(text: str) -> float:
    """The Unix time that a text stands for: `2026-03-02`, `2026-03-02 18:30`, or `7 days` before now.

    A date or time without an offset is in the lab's time zone. Raises LabError.
    """
    words = text.strip().lower().replace("-old", "")
    number, _, unit = words.partition(" ")
    if number.isdecimal() and len(number) < 5 and unit.rstrip("s") in ("day", "hour", "week"):
        return time.time() - timedelta(**{f"{unit.rstrip('s')}s": int(number)}).total_seconds()
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise LabError(
            f"{text!r:.60} is no date; write it as 2026-03-02, 2026-03-02T18:30, or '7 days' for the last seven."
        ) from None
    zone = settings().time_zone
    found = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
    try:
        return found.timestamp()
    except (OverflowError, OSError, ValueError):
        raise LabError(f"{text!r:.60} is beyond any calendar.") from None


def meeting_sections(begins: float) -> tuple[list[Section], str]:
    """The parts of the report, and what is in it in one line. Raises StoreError.

    Args:
        begins: Unix time; runs that ended from then on take part.
    """
    known = {job.run_id: job for job in jobs.queue(10_000)}
    records = store.runs()

    def state(record: RunRecord) -> str:
        return known[record.run_id].state if record.run_id in known else record.state

    def ended(record: RunRecord) -> float | None:
        return (known[record.run_id].ended if record.run_id in known else None) or record.ended

    def seen(record: RunRecord) -> float:
        return ended(record) or _last_known(record)

    def reason(record: RunRecord) -> str:
        return known[record.run_id].reason if record.run_id in known else record.tags.get(REASON, "")

    over = [record for record in records if state(record) in ENDED and seen(record) >= begins]
    over.sort(key=seen, reverse=True)
    done = [record for record in over if state(record) == "finished"]
    failed = [record for record in over if state(record) in ("failed", "crashed")]
    stopped = [record for record in over if state(record) == "stopped"]
    going = [record for record in records if state(record) in (*ACTIVE, "queued", "paused")]
    said = f"{len(done)} finished, {len(failed)} failed, {len(stopped)} stopped, {len(going)} at work or waiting"
    parts: list[tuple[str, list[Block]]] = [
        ("The best of each problem", _best(done, records, {record.run_id for record in over})),
        ("What failed, and why", _table(failed, ("reason",), reason)),
        ("What finished", _table(done, ("remark",), reason)),
        ("What was stopped", _table(stopped, ("reason",), reason)),
        ("At work or waiting", _table(going, ("state",), state)),
    ]
    sections = [Section(title, tuple(blocks)) for title, blocks in parts if blocks]
    sections += lambda_section(done)
    sections = sections or [Section("Nothing", (Words(f"No run has ended since {moment(begins)}."),))]
    without = [record for record in records if state(record) in ENDED and not ended(record)]
    strange = [record for record in records if state(record) == UNKNOWN]
    doubts = _doubts(without, {record.run_id for record in over}, strange, begins)
    return sections + ([Section("Without a time or a state", doubts)] if doubts else []), said


def _last_known(record: RunRecord) -> float:
    """The last moment that is known of a run whose end is not: when it began, and the seconds that it trained."""
    trained = record.metrics.get("wall_time_s", 0.0)
    return record.started + (trained if math.isfinite(trained) else 0.0)


def _doubts(
    without: Sequence[RunRecord], told: set[str], strange: Sequence[RunRecord], begins: float
) -> tuple[Block, ...]:
    """Runs of which it is not known when they ended, or whether they did."""
    here = [record for record in without if record.run_id in told]
    left = [record for record in without if record.run_id not in told]
    parts = (
        (here, "The store does not say when these ended; they are told by when they began and how long they trained"),
        (left, f"The store does not say when these ended; they began before {moment(begins)} and are left out"),
        (strange, "The store has no state of these that is known here, so they are left out"),
    )
    return tuple(Words(f"{words}: {_names(records)}.") for records, words in parts if records)


def _names(records: Sequence[RunRecord]) -> str:
    shown = ", ".join(f"{record.name} · {record.run_id[:6]}" for record in records[:NAMED])
    return shown + (f" and {len(records) - NAMED:,} more" if len(records) > NAMED else "")


def _best(done: Sequence[RunRecord], records: Sequence[RunRecord], new: set[str]) -> list[Block]:
    rows = []
    groups: dict[tuple[str, ...], list[RunRecord]] = {}
    for record in records:
        if record.problem and record.state == "finished" and math.isfinite(_residual(record)):
            groups.setdefault(_problem(record), []).append(record)
    for key in dict.fromkeys(map(_problem, sorted((r for r in done if r.problem), key=_problem))):
        ranked = sorted(groups.get(key, ()), key=_residual)
        best = next((record for record in ranked if record.run_id in new), None)
        if best is None:
            continue
        before = next((record for record in ranked if record.run_id not in new), None)
        word = "the first" if before is None else (
            f"the best so far, {size_text(_residual(before))} before" if _residual(best) < _residual(before)
            else f"{size_text(_residual(before))} stays the best")  # fmt: skip
        rows.append((_problem_words(best), *_figures(best), word))
    if not rows:
        return []
    head = ("problem", "run", "name", "max residual", "relative error", "λ", "certificate", "time", "")
    more = [Words(f"and {len(rows) - MOST:,} more problems", "note")] if len(rows) > MOST else []
    return [Table(head, tuple(rows[:MOST]), frozenset({3, 4, 7})).without_empty(), *more]


def _problem(record: RunRecord) -> tuple[str, ...]:
    """What a run solves: the kind of problem and all of its parameters, so that only runs of the same are ranked."""
    own = (f"{key}={value}" for key, value in record.params.items() if key.startswith("problem."))
    return record.problem, *sorted(own)


def _problem_words(record: RunRecord) -> str:
    """The same for people: the kind, with its order or with the equation that was typed."""
    told = record.params.get(f"problem.{PARAMETERS.get(record.problem, TYPED)}", "")
    if not told:
        return record.problem
    name = PARAMETERS.get(record.problem)
    return f"{record.problem}, {name} = {told}" if name else shortened(told.strip("[]'\""), LONGEST)


def _residual(record: RunRecord) -> float:
    return record.metrics.get(RANKED, math.inf)


def _figures(record: RunRecord) -> tuple[str, ...]:
    metrics = record.metrics
    lam = metrics.get(LAMBDA)
    return (
        record.run_id[:12],
        record.name,
        size_text(metrics[RANKED]) if RANKED in metrics else "",
        size_text(metrics["relative_l2_error"]) if "relative_l2_error" in metrics else "",
        "" if lam is None or not math.isfinite(lam) else lambda_of(record, lam),
        record.tags.get(TAG, ""),
        lasting(metrics["wall_time_s"]) if "wall_time_s" in metrics else "",
    )


def _table(records: Sequence[RunRecord], last: tuple[str, ...], word) -> list[Block]:
    if not records:
        return []
    head = ("problem", "run", "name", "max residual", "relative error", "λ", "certificate", "time", *last)
    rows = tuple((record.problem or record.experiment, *_figures(record), word(record)) for record in records[:MOST])
    more = [Words(f"and {len(records) - MOST:,} more", "note")] if len(records) > MOST else []
    return [Table(head, rows, frozenset({3, 4, 7})).without_empty(), *more]
