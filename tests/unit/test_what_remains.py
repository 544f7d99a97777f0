"""What a run leaves, damaged in every way that disks and people have: said in words, never gone over silently."""

import contextlib
import os
import pickle
import resource
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import parse_config
from core.errors import LabError, TrainingError
from core.networks.layers import mlp
from core.networks.solution import Solution, Term
from core.runs import RunFolder
from core.runs.checkpoint_file import CheckpointError, look
from core.runs.curves import RunCurves
from core.runs.going_on import DamagedHistoryError, accept_hole, check_history, others, put_back
from core.runs.history import HistoryWriter
from core.runs.history_stream import checksum, read_history
from core.training import checkpoint as checkpoints
from core.training.checkpoint import Checkpoint
from core.training.state import Position
from core.training.train import train
from tests.training import small

ROWS = 40


def written(folder, rows=ROWS, batch=7):
    """A closed history of many batches; the checksum of its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = HistoryWriter(folder / "history.arrows", ("a",))
    for i in range(rows):
        writer.append(iteration=i, stage=0, phase=1, loss=1.0 / (i + 1))
        if i % batch == batch - 1:
            writer.flush()
    writer.close()
    return writer.checksum


@contextlib.contextmanager
def largest_file(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_checksum_does_not_depend_on_how_rows_came_in(tmp_path):
    whole, one, seven = (written(tmp_path / name, batch=n) for name, n in (("a", 100), ("b", 1), ("c", 7)))
    assert whole == one == seven
    columns = read_history(tmp_path / "a" / "history.arrows").columns
    first, rest = ({name: block[part] for name, block in columns.items()} for part in (slice(25), slice(25, None)))
    assert checksum(rest, checksum(first)) == whole
    assert read_history(tmp_path / "a" / "history.arrows").closed


def test_no_flipped_bit_is_read_as_another_number(tmp_path):
    written(tmp_path, batch=13)
    path = tmp_path / "history.arrows"
    good, right = path.read_bytes(), read_history(path).columns
    rng = np.random.default_rng(0)
    noticed = 0
    for place in sorted(rng.choice(len(good), 700, replace=False)):
        bad = bytearray(good)
        bad[place] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        os.utime(path, (0, 0))  # nobody is writing it
        part = read_history(path)
        for name, block in part.columns.items():  # what is given is what was written, under its name, from the start
            np.testing.assert_array_equal(block, right[name][: len(block)])
        rows = part.cursor.rows
        assert part.cut_off is not None or rows == ROWS, place
        if rows < ROWS:
            noticed += 1
            assert part.cut_off.startswith(("The history is damaged from row", "The history ends early"))
    assert noticed > 500


def test_curves_say_from_which_row_a_history_is_damaged(tmp_path):
    written(tmp_path)
    path = tmp_path / "history.arrows"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    os.utime(path, (0, 0))
    curves = RunCurves(path)
    curves.update()
    rows = len(curves.column("loss"))
    assert 0 < rows < ROWS
    assert curves.warnings(finished=False) == [f"The history is damaged from row {rows + 1} on."]
    path.write_bytes(data[:-8])  # at the end of a batch: only a run that ended by itself had closed it
    curves = RunCurves(path)
    curves.update()
    assert curves.warnings(finished=False) == []
    assert curves.warnings(finished=True) == [f"The history ends early: what came after row {ROWS} is missing."]


def test_histories_of_older_programs_are_read(tmp_path):
    import pyarrow as pa

    fields = pa.schema([("iteration", pa.int64()), ("loss", pa.float64())])
    with pa.ipc.new_stream(tmp_path / "history.arrows", fields) as stream:
        stream.write_batch(pa.record_batch([pa.array([1, 2]), pa.array([0.5, 0.25])], schema=fields))
    part = read_history(tmp_path / "history.arrows")
    assert part.columns["loss"].tolist() == [0.5, 0.25]
    assert (part.cut_off, part.holes) == (None, ())
    check_history(RunFolder(tmp_path), 2, None)


def cut(path, how):
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "flipped":
        middle = bytearray(data)
        middle[len(data) // 2] ^= 16
        path.write_bytes(middle)
    else:
        path.write_bytes(data[: {"half": len(data) // 2, "7 bytes": len(data) - 15, "empty": 0}[how]])


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of two stages, stopped in its second; made once."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    seen = iter(range(10_000))
    train(small(), RunFolder(folder), say=lambda line: None, wanted=lambda: "stop" if next(seen) == 65 else None)
    return folder


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of it."""
    return RunFolder(shutil.copytree(stopped, tmp_path / "run"))


@pytest.mark.parametrize("how", ["half", "7 bytes", "empty", "flipped", "gone"])
def test_a_run_never_goes_on_over_a_hole(run, how):
    cut(run.history, how)
    damaged = run.history.read_bytes() if run.history.exists() else None
    with pytest.raises(DamagedHistoryError):
        train(small(), run, say=lambda line: None)
    if damaged is not None:
        assert run.history.read_bytes() == damaged  # nothing was made worse
    facts = look(run.last)
    accept_hole(run, facts)
    train(small(), run, say=lambda line: None)
    part = read_history(run.history)
    (hole,) = part.holes
    assert hole.checkpoint_rows == facts.history_rows
    assert "missing" in str(hole)
    if hole.row:
        assert np.diff(part.columns["iteration"])[hole.row - 1] == facts.history_rows - hole.row + 1
    assert part.columns["iteration"][-1] > facts.history_rows  # the rest of the second stage
    assert part.closed
    assert damaged is None or next(run.path.glob("history.arrows.damaged-*")).read_bytes() == damaged


def test_an_earlier_checkpoint_needs_no_hole(run, stopped):
    whole = train(small(), RunFolder(shutil.copytree(stopped, run.path.parent / "whole")), say=lambda line: None)
    run.last.write_bytes(b"")
    assert "stage-1" in [facts.name for facts in others(run)]
    with pytest.raises(CheckpointError, match="empty"):
        train(small(), run, say=lambda line: None)
    put_back(run, "stage-1")
    assert (run.checkpoints / "last.pt.damaged-1").read_bytes() == b""
    again = train(small(), run, say=lambda line: None)
    for a, b in zip(whole.solution.parameters(), again.solution.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(LabError, match="there is best, last, stage-1"):
        put_back(run, "../last")


def saved(path, problem="poisson2d", **changes):
    """A checkpoint with an untrained network."""
    config = parse_config({"problem": {"kind": problem}, "network": {"hidden": [6]}})
    solution = Solution(config.problem, None)
    generator = torch.Generator().manual_seed(0)
    solution.add(Term(mlp(config.network, config.problem.inputs, config.problem.outputs, generator), 1.0))
    checkpoints.save(Checkpoint(config, Position(total=7), solution), path)
    if changes:
        data = torch.load(path, weights_only=True)
        torch.save({**data, **changes}, path)


class Bomb:
    """Its pickle runs code when it is read."""

    def __reduce__(self):
        return (os.system, ("touch /tmp/should-not-be-there",))


def other_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.jpg", b"x" * 100)


def swollen(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10_000_000)


def flipped(path):
    saved(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"archive/data/0") + 120] ^= 4
    path.write_bytes(data)


def halved(path):
    saved(path)
    path.write_bytes(path.read_bytes()[:1000])


def narrow(path):
    saved(path)
    data = torch.load(path, weights_only=True)
    data["stages"][0]["layers"][0] = (torch.zeros(6, 3), torch.zeros(6))
    torch.save(data, path)


NO_CHECKPOINTS = [
    (lambda path: path.write_bytes(b""), "it is empty"),
    (lambda path: path.write_text("not yet"), "something else than a checkpoint"),
    (halved, "it was cut off"),
    (other_archive, "an archive of something else"),
    (swollen, "much larger"),
    (flipped, "is not what was written"),
    (lambda path: path.mkdir(), "it is a folder"),
    (lambda path: torch.save(Bomb(), path), "something else than numbers"),
    (lambda path: path.write_bytes(pickle.dumps(Bomb())), "something else than a checkpoint"),
    (lambda path: torch.save([1, 2], path), "not a checkpoint of this version"),
    (lambda path: torch.save({"format": 1}, path), "its content is not what this program writes"),
    (lambda path: saved(path, stages=[{"epsilon": 1.0}]), "its content is not what this program writes"),
    (lambda path: saved(path, config="{"), "its content is not what this program writes"),
    (lambda path: saved(path, config='{"version": 99}'), "update it"),
    (lambda path: saved(path, position={"stage": 0, "colour": 1}), "its content is not what this program writes"),
    (narrow, "other shapes"),
]


@pytest.mark.parametrize(("make", "words"), NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_called_so(tmp_path, make, words):
    path = tmp_path / "run" / "checkpoints" / "last.pt"
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(LabError, match=words):
        checkpoints.load(path)
    assert not Path("/tmp/should-not-be-there").exists()


def test_a_checkpoint_that_may_not_be_read_is_called_so(tmp_path, monkeypatch):
    path = tmp_path / "run" / "checkpoints" / "last.pt"
    saved(path)

    def refuse(self, *arguments, **named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(CheckpointError, match="permission denied"):
        look(path)


def test_a_checkpoint_says_what_it_is_of_without_torch(tmp_path):
    path = tmp_path / "run" / "checkpoints" / "last.pt"
    saved(path)
    facts = look(path)
    assert (facts.problem, facts.iteration, facts.history_rows) == ("poisson2d", 7, 0)
    torch.save(torch.load(path, weights_only=True), path)  # as an older program wrote it
    assert look(path).iteration is None
    assert checkpoints.load(path).position.total == 7


def test_a_checkpoint_of_another_run_is_refused(run, tmp_path):
    saved(run.last, "helmholtz")
    run.history.unlink()
    with pytest.raises(LabError, match="another problem"):
        train(small(), run, say=lambda line: None)
    saved(run.last)
    with pytest.raises(LabError, match="other shapes"):
        train(small(), run, say=lambda line: None)


def test_a_disk_that_takes_no_more_ends_a_run_in_words(run):
    before = run.last.read_bytes()
    size = len(before)
    config = small("stages.1.iterations=300", "stages.1.checkpoint_every=1")
    with largest_file(size - 1000), pytest.raises(TrainingError, match=r"did not take .* file too large.*last\.pt"):
        train(config, run, say=lambda line: None)
    assert run.last.read_bytes() == before
    assert list(run.checkpoints.glob("*.tmp")) == []
    train(small(), run, say=lambda line: None)
    iterations = read_history(run.history).columns["iteration"].tolist()
    assert iterations == list(range(1, len(iterations) + 1))
    assert len(iterations) > 65


def test_a_history_that_does_not_fit_keeps_its_whole_batches(tmp_path):
    def rows(count):
        return {"iteration": np.arange(count), "stage": np.zeros(count, int), "phase": np.zeros(count, int)}

    writer = HistoryWriter(tmp_path / "history.arrows", ())
    writer.extend(rows(50))
    with largest_file(writer._end + 3000):
        with pytest.raises(OSError, match="too large"):
            writer.extend(rows(100))
        writer.close()
    part = read_history(tmp_path / "history.arrows")
    assert part.columns["iteration"].tolist() == list(range(50))
    assert part.damage is None
