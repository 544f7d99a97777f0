"""Which stage a report gives which facts, where a checkpoint is behind the history or in a window of time."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.networks.solution import Solution
from core.reports.stage_table import stage_rows
from core.runs.curves import RunCurves
from core.runs.folder import RunFolder
from core.runs.history import HistoryWriter
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.stages_done import stages_done
from core.training.state import Position, StageRecord
from tests.training import small


@pytest.mark.parametrize(
    ("in_history", "windows", "in_checkpoint", "told"),
    [
        ([0, 1], 0, [0], {1: 101}),
        ([0, 1], 0, [0, 1], {1: 101, 2: 102}),
        ([0], 0, [0, 1], {1: 101}),
        ([0, 1, 2, 3, 4], 1, [0, 1], {3: 101, 4: 102}),
        ([0, 1, 2, 3, 4, 5], 1, [0], {3: 101}),
    ],
)
def test_a_stage_has_its_own_facts(tmp_path, in_history, windows, in_checkpoint, told):
    folder = RunFolder(tmp_path)
    writer = HistoryWriter(folder.history, ("equation",))
    stage = np.repeat(in_history, 3)
    numbers = np.arange(1.0, len(stage) + 1)
    measured = dict.fromkeys(("wall_time_s", "loss", "max_residual", "rms_residual"), numbers)
    phase = np.ones(len(stage), dtype=int)
    writer.extend({"iteration": numbers.astype(int), "stage": stage, "phase": phase} | measured)
    writer.close()
    config = small()
    records = [StageRecord(k, 101 + k, 1.0, ended=f"why {k}") for k in in_checkpoint]
    position = Position(stage=len(records) - 1, windows=windows)
    checkpoints.save(Checkpoint(config, position, Solution(config.problem, None), records=records), folder.last)
    curves = RunCurves(folder.history)
    curves.update()
    rows = stage_rows(folder, curves)
    assert [row.number for row in rows] == [k + 1 for k in in_history]
    assert {row.number: row.parameters for row in rows if row.parameters} == told


def test_a_run_that_was_trained_elsewhere_says_why_its_stages_ended(tmp_path, monkeypatch):
    elsewhere, here = RunFolder(tmp_path / "elsewhere"), RunFolder(tmp_path / "here")
    elsewhere.path.mkdir()
    records = [StageRecord(k, 101, 1e-3, sigma=(1.5, 2.0), ended=f"why {k}", max_residual=9.0) for k in (0, 1)]
    records[1].max_residual = float("nan")
    elsewhere.write_stages(stages_done(small(), Position(stage=1), records))
    asked = []

    def fetched(folder, name):
        asked.append(name)
        here.path.mkdir()
        (here.path / name).write_bytes(elsewhere.file(name).read_bytes())

    monkeypatch.setattr("core.tracking.store.fetch_artifact", fetched)
    columns = {"stage": np.array([0, 1])}
    rows = stage_rows(here, SimpleNamespace(column=lambda name: columns.get(name, np.array([1.0, 2.0]))))
    assert asked == ["stages.json"]
    assert [(row.ended, row.sigma, row.epsilon, row.after) for row in rows] == [
        ("why 0", "1.5, 2", 1e-3, 9.0), ("why 1", "1.5, 2", 1e-3, 2.0)]  # fmt: skip
