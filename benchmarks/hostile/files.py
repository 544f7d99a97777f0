"""Files of runs and datasets as crashes, full disks, mail programs and strangers leave them."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.hostile.commands import trained
from benchmarks.hostile.material import TEXTS, damaged, other_json
from benchmarks.hostile.tried import Fault, Input, command, fault_of_command, fault_of_message
from core.runs import RunFolder, run_folder

SUITE = "files"
JSONS = ("config.json", "effective_config.json", "exit.json", "progress.json", "provenance.json", "certificate.json")
LOOKS = (["status"], ["logs"], ["certificate"], ["report", "-o", "{out}.md"], ["export", "-o", "{out}.vtu"])
"""Commands that read a run; the id comes after the first word."""


def inputs() -> Iterator[Input]:
    """All inputs of this suite; the first one trains the run whose files are damaged."""
    folder = run_folder(trained())
    kept = Path(tempfile.mkdtemp()) / "kept"
    shutil.copytree(folder.path, kept)
    whole = folder.history_columns()
    for name in JSONS:
        path = folder.file(name)
        data = path.read_bytes() if path.exists() else b"{}"
        for k, (label, broken) in enumerate([*damaged(data, seed=3, times=15), *other_json()]):
            look = LOOKS[k % len(LOOKS)]
            label = f"{name}: {label}, {look[0]}"
            yield Input(SUITE, label, _with_file(folder, kept, name, broken, _looked(folder, look)), 60, 1000)
        yield Input(SUITE, f"{name}: a folder", _with_folder(folder, kept, name), 60, 1000)
    history = folder.history.read_bytes()
    for label, broken in damaged(history, seed=4, times=200):
        check = _history_is_whole_or_said(folder, whole)
        yield Input(SUITE, f"history: {label}", _with_file(folder, kept, "history.arrows", broken, check), 20)
    last = folder.last.read_bytes()
    for k, (label, broken) in enumerate(damaged(last, seed=5, times=60)):
        look = (["resume"], ["export", "-o", "{out}.vtu", "--resolution", "9"], ["status"])[k % 3]
        label = f"last.pt: {label}, {look[0]}"
        yield Input(
            SUITE, label, _with_file(folder, kept, "checkpoints/last.pt", broken, _looked(folder, look)), 60, 1500
        )
    yield from dataset_inputs()


def dataset_inputs() -> Iterator[Input]:
    """Datasets: good ones damaged, and strangers'."""
    x = np.linspace(-1, 1, 40)
    table = {"x": x, "t": np.abs(x), "u": np.sin(np.pi * x)}
    for suffix, data in _good_files(table).items():
        for label, broken in damaged(data, seed=6, times=40):
            yield Input(SUITE, f"dataset.{suffix}: {label}", _dataset(f"d.{suffix}", broken, table), 60, 1000)
    for text in TEXTS:
        good = _good_files(table)["csv"]
        yield Input(SUITE, f"a dataset named {text[:40]!r}", _dataset_named(text, good), 60, 1000)
        header = f"x,t,{text}\n".encode() + b"\n".join(good.split(b"\n")[1:])
        yield Input(SUITE, f"a column named {text[:40]!r}", _dataset("column.csv", header, None), 60, 1000)
        cell = good.replace(b"-1.0,", text.encode("utf-8", "replace") + b",", 1)
        yield Input(SUITE, f"a cell {text[:40]!r}", _dataset("cell.csv", cell, None), 60, 1000)
    for label, name, data in _strangers():
        yield Input(SUITE, f"dataset: {label}", _dataset(name, data, None), 60, 1000)


def _good_files(table: dict[str, np.ndarray]) -> dict[str, bytes]:
    from scipy.io import savemat

    rows = np.stack(list(table.values()), axis=1)
    csv, npy, npz, mat = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    lines = [",".join(table), *(",".join(map(repr, map(float, row))) for row in rows)]
    csv.write("\n".join(lines).encode() + b"\n")
    np.save(npy, rows)
    np.savez(npz, **table)
    savemat(mat, {key: value[:, None] for key, value in table.items()})
    return {"csv": csv.getvalue(), "npy": npy.getvalue(), "npz": npz.getvalue(), "mat": mat.getvalue()}


def _strangers() -> Iterator[tuple[str, str, bytes]]:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9,)})
        archive.writestr("u.npy", header.getvalue() + bytes(200_000_000))
    yield "a zip bomb", "bomb.npz", bomb.getvalue()
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 3)})
    yield "an array that says it is huge", "huge.npy", huge.getvalue()
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    yield "a pickle", "pickle.npy", pickled.getvalue()
    lzma = io.BytesIO()
    with zipfile.ZipFile(lzma, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("u.npy", b"x" * 10_000)
    yield "damaged LZMA", "lzma.npz", lzma.getvalue()[:60] + b"\xff" * 40 + lzma.getvalue()[100:]
    yield "one line of 20 MB", "line.csv", b"x" * 20_000_000
    yield (
        "a hundred thousand columns",
        "wide.csv",
        b",".join(b"c%d" % k for k in range(100_000)) + b"\n" + b"1," * 99_999,
    )
    yield "quotes that never end", "quotes.csv", b'x,t,u\n"' + b"1,2,3\n" * 100_000
    yield "nothing but commas", "commas.csv", b",,,,\n" * 10_000
    yield "numbers of 100,000 digits", "digits.csv", b"x,t,u\n" + b"1" * 100_000 + b",2,3\n"
    yield "lines of different length", "ragged.csv", b"x,t,u\n1,2,3\n1,2\n1,2,3,4\n"
    yield "columns of one name", "twice.csv", b"x,x,x\n1,2,3\n4,5,6\n"
    yield "a picture", "picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100
    yield "an ELF file", "elf.npz", b"\x7fELF" + bytes(1000)
    yield "UTF-16 without a mark", "utf16.csv", "x,t,u\n1,2,3\n".encode("utf-16-le")
    for link in ("../../etc/passwd", "/etc/passwd", "~/.ssh/id_rsa", "a/../../b.csv"):
        yield f"the name {link}", link, b"x,t,u\n1,2,3\n"


def _with_file(
    folder: RunFolder, kept: Path, name: str, data: bytes, check: Callable[[], Fault]
) -> Callable[[], Fault]:
    def try_it() -> Fault:
        path = folder.file(name)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        try:
            return check()
        finally:
            _restore(folder, kept)

    return try_it


def _with_folder(folder: RunFolder, kept: Path, name: str) -> Callable[[], Fault]:
    def try_it() -> Fault:
        path = folder.file(name)
        path.unlink(missing_ok=True)
        path.mkdir()
        try:
            return next(filter(None, (_looked(folder, look)() for look in LOOKS)), None)
        finally:
            _restore(folder, kept)

    return try_it


def _restore(folder: RunFolder, kept: Path) -> None:
    shutil.rmtree(folder.path)
    shutil.copytree(kept, folder.path)


def _looked(folder: RunFolder, look: list[str]) -> Callable[[], Fault]:
    def check() -> Fault:
        out = str(Path(tempfile.mkdtemp()) / "out")
        rest = [word.format(out=out) for word in look[1:]]
        fault = fault_of_command(look[0], folder.run_id, *rest)
        if look[0] == "resume":
            command("stop", folder.run_id)
        return fault

    return check


def _history_is_whole_or_said(folder: RunFolder, whole: dict[str, np.ndarray]) -> Callable[[], Fault]:
    """What is read is a beginning of what was written; a number that differs is a wrong value."""

    def check() -> Fault:
        columns = folder.history_columns()
        for name, values in columns.items():
            if name not in whole:
                return f"wrong value: a column {name!r} that was never written"
            if len(values) > len(whole[name]) or not np.array_equal(values, whole[name][: len(values)], equal_nan=True):
                return f"wrong value: {name} is not what was written"
        return None

    return check


def _dataset(name: str, data: bytes, table: dict[str, np.ndarray] | None) -> Callable[[], Fault]:
    """Taken in with its own numbers, or refused in words. Damage may change digits, which only a checksum tells."""

    def try_it() -> Fault:
        path = Path(tempfile.mkdtemp()) / Path(name).name
        path.write_bytes(data)
        code, out, err = command("dataset", "add", str(path), "--replace")
        if "Traceback" in out + err:
            return f"traceback: {(out + err)[-300:]}"
        if code == 2:
            return fault_of_message(err)
        if code:
            return f"message: exit code {code}: {err[:200]}"
        checked = name.endswith(".npz")  # the other formats carry no checksum
        return _whole(path.name, table) if table is not None and checked else _finite(path.name)

    return try_it


def _finite(name: str) -> Fault:
    bad = [key for key, values in _taken_in(name).items() if not np.isfinite(values).all()]
    return f"wrong value: {bad} has values that are no numbers" if bad else None


def _whole(name: str, table: dict[str, np.ndarray]) -> Fault:
    found = _taken_in(name)
    bad = [key for key in found if key in table and not np.array_equal(found[key], table[key])]
    return _finite(name) or (f"wrong value: {bad} has other numbers than were written" if bad else None)


def _taken_in(name: str) -> dict[str, np.ndarray]:
    from core.datasets import added_as, columns, current

    blob = current(name).git_blob
    return columns(name, blob, added_as(name, blob).columns)


def _dataset_named(text: str, data: bytes) -> Callable[[], Fault]:
    def try_it() -> Fault:
        path = Path(tempfile.mkdtemp()) / "fine.csv"
        path.write_bytes(data)
        return fault_of_command("dataset", "add", str(path), "--name", f"{text}.csv", "--replace")

    return try_it


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
