"""A meeting's report of runs whose end, state or numbers are not what they should be."""

import math

from core.reports import meeting
from core.reports.meeting import meeting_sections
from core.tracking.store import RunRecord

DAY = 86_400.0


def record(number, state="finished", started=0.0, ended=None, problem="ccf", **metrics):
    """A run as the store lists it."""
    return RunRecord(f"{number:032x}", f"run{number}", "lab", state, problem, "hash", started, ended, None,
                     metrics=metrics)  # fmt: skip


def test_runs_without_an_end_stand_by_what_is_known_of_them(monkeypatch):
    listed = [
        record(1, started=10 * DAY, ended=11 * DAY, wall_time_s=60.0),
        record(2, "failed", started=9 * DAY, wall_time_s=2 * DAY),
        record(3, started=12 * DAY, wall_time_s=math.nan),
        record(4, "stopped", started=DAY),
        record(5, "unknown", started=12 * DAY),
        record(6),
    ]
    monkeypatch.setattr(meeting.store, "runs", lambda: listed)
    sections, said = meeting_sections(10 * DAY)
    assert said.startswith("2 finished, 1 failed, 0 stopped")
    titles = [section.title for section in sections]
    finished = sections[titles.index("What finished")].blocks[0]
    assert [row[2] for row in finished.rows] == ["run3", "run1"], "the last first"
    told = [block.text for block in sections[titles.index("Without a time or a state")].blocks]
    assert "run2 · 000000, run3" in told[0]
    assert "run4" in told[1] and "run6" in told[1]
    assert "run5" in told[2]
    sections, said = meeting_sections(0.0)
    assert said.startswith("3 finished, 1 failed, 1 stopped")
    listed[:] = listed[:1]
    assert "Without a time or a state" not in [section.title for section in meeting_sections(0.0)[0]]
