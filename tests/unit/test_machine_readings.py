"""`machine.csv`: appended to, torn, thinned, placed on a run's axis and drawn with its gaps."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from core.runs import machine_file
from core.runs.machine_file import COLUMNS, interval_s, open_readings
from core.runs.machine_readings import MachineReadings, placed
from pages.parts.shared.machine_figure import POINTS, machine_figure, with_machine


@pytest.fixture
def path(tmp_path):
    return tmp_path / "machine.csv"


def filled(path, walls, **more):
    writer = open_readings(path)
    for k, wall in enumerate(walls):
        row = {name: 1.0 for name in COLUMNS} | {"time": 1e9 + k, "wall_time_s": wall}
        writer.add(row | {name: values[k] for name, values in more.items()})
    writer.close()
    readings = MachineReadings(path)
    readings.update()
    return readings


def test_only_what_is_new_is_read_and_a_torn_line_waits(path):
    readings = filled(path, [0, 1, 2])
    assert len(readings) == 3 and not readings.update()
    with path.open("ab") as file:
        file.write(b"1000000003,3,1,5")
    assert not readings.update()
    writer = open_readings(path)  # a crash left half of a row: the next one begins a line of its own
    writer.add({"time": 1e9 + 4, "wall_time_s": 4.0, "cpu_percent": math.nan})
    assert readings.update() and len(readings) == 4
    assert math.isnan(readings.column("cpu_percent")[-1]) and readings.column("wall_time_s")[-1] == 4
    assert writer.rows == 4


def test_what_is_no_reading_is_left_out(path):
    filled(path, [0, 1])
    with path.open("ab") as file:
        file.write(b"\0\0\0\n" + b"x," * 13 + b"y\n" + b"inf" + b",1" * 13 + b"\n")
    readings = MachineReadings(path)
    readings.update()
    assert len(readings) == 2


def test_a_file_that_is_something_else_is_kept_beside(path):
    path.write_bytes(b"\x00\xff garbage")
    readings = filled(path, [0.0])
    assert len(readings) == 1
    assert path.with_name("machine.csv.damaged-1").read_bytes() == b"\x00\xff garbage"


def test_columns_of_another_version_are_read_by_name(path):
    path.write_text("time,later,wall_time_s\n5,7,1.5\n")
    writer = open_readings(path)
    writer.add({"time": 6.0, "wall_time_s": 2.5, "cpu_percent": 3.0})
    writer.close()
    readings = MachineReadings(path)
    readings.update()
    assert readings.column("wall_time_s").tolist() == [1.5, 2.5]
    assert np.isnan(readings.column("cpu_percent")).all()
    assert path.read_text().endswith("6,,2.5\n")


def test_a_file_that_was_replaced_is_read_from_its_beginning(path):
    readings = filled(path, [0, 1, 2])
    path.unlink()
    assert not readings.update()
    filled(path, [7])
    assert readings.update() and readings.column("wall_time_s").tolist() == [7]


def test_readings_become_rarer_so_that_a_week_is_small():
    seconds = rows = 0
    while seconds < 7 * 86_400:
        seconds += interval_s(rows)
        rows += 1
        assert interval_s(rows) <= max(1, seconds / machine_file.ROWS + 1)
    assert rows < 20_000


def test_a_write_that_is_cut_off_by_a_full_disk_leaves_no_torn_row(path, monkeypatch):
    writer = open_readings(path)
    writer.add({"time": 1.0})
    before, write = path.read_bytes(), machine_file.os.write
    monkeypatch.setattr(machine_file.os, "write", lambda handle, data: write(handle, data[:3]))
    with pytest.raises(OSError, match="space"):
        writer.add({"time": 2.0})
    assert path.read_bytes() == before


def test_a_resume_takes_back_what_was_trained_after_its_checkpoint(path):
    readings = filled(path, [math.nan, 0, 1, 2, 3, math.nan, 1.5, 2.5])
    assert placed(readings).x.tolist() == [0, 1, 1.5, 2.5]
    assert not placed(readings).gaps.any()


def test_a_gap_is_where_nobody_sampled(path):
    shown = placed(filled(path, [0, 1, 2, 9, 10]))
    assert shown.gaps.tolist() == [False, False, False, True, False]


class History:
    """Ten iterations of half a second each."""

    def points(self, name, axis="iteration"):
        assert (name, axis) == ("wall_time_s", "iteration")
        return np.arange(1.0, 11), np.arange(1.0, 11) / 2


def test_readings_on_iterations(path):
    shown = placed(filled(path, [0, 0.25, 2.0, 4.9, 5.5]), History(), "iteration")
    assert shown.x == pytest.approx([0, 0.5, 4.0, 9.8])  # nothing is known yet of iterations after the last
    assert not len(placed(filled(path, [1.0]), None, "iteration").x)


def test_the_figure_breaks_at_gaps_and_keeps_peaks(path):
    n = 5000
    load = np.full(n, 10.0)
    load[3333] = 99.0
    walls = np.arange(n, dtype=float)
    walls[4000:] += 500
    walls = np.maximum(walls, 0)
    lost = np.where((walls > 1000) & (walls < 1200), np.nan, 50.0)
    readings = filled(path, walls, cpu_percent=load, gpu_percent=lost)
    figure = machine_figure(placed(readings), x_title="s")
    cpu, _, gpu = (trace for trace in figure.data if trace.yaxis == "y")
    assert len(cpu.x) <= POINTS + 10 and np.nanmax(cpu.y) == 99
    broken = cpu.x[np.isnan(cpu.y)]
    assert len(broken) == 1 and 4500 <= broken[0] <= 4510
    assert any(1000 < x < 1300 for x in gpu.x[np.isnan(gpu.y)])
    assert {trace.name for trace in figure.data if trace.showlegend} == {"machine", "this run", "GPU"}


def test_without_a_gpu_there_are_no_rows_of_one_and_the_residuals_keep_their_height(path):
    nothing = [math.nan] * 3
    gpu = {name: nothing for name in COLUMNS if name.startswith("gpu")}
    shown = placed(filled(path, [0, 1, 2], **gpu))
    alone = machine_figure(shown, x_title="s")
    assert {trace.yaxis for trace in alone.data} == {"y", "y2", "y3"}
    residuals = go.Figure(go.Scatter(x=[0, 1], y=[1, 2], name="loss"))
    both = with_machine(residuals, shown, height=420)
    low, high = both.layout.yaxis.domain
    assert high == 1 and (high - low) * (both.layout.height - 60) == pytest.approx(360)
    assert both.layout.yaxis4.domain[0] == pytest.approx(0) and both.layout.xaxis.anchor == "y4"
    assert with_machine(go.Figure(), placed(MachineReadings(path.with_name("none"))), height=420).layout.height is None
