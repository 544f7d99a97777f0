"""Reading files in a process of its own, so that no file can cost the server its memory, its time or its life.

The child gets a path and a name, is given so much memory and processor time, says how far it is, and leaves an Arrow
file behind, which is mapped into memory here.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.datasets.tables import Table, read_file
from core.errors import LabError
from core.home import SOURCE

SECONDS = 120.0
"""Longest that reading a file may take."""
MEMORY = 3 * 2**30
"""Bytes that the child may take, the program itself included."""

Told = Callable[[float], None]


def read_in_child(name: str, data: bytes, told: Told = lambda part: None) -> Table:
    """`core.datasets.tables.read_file` in a child; whatever `told` raises ends the child and goes on.

    Raises LabError: the file's own fault, or that it took too long or too much memory.
    """
    with tempfile.TemporaryDirectory(prefix="lab-dataset-") as folder:
        source, answer = Path(folder) / "file", Path(folder) / "table.arrow"
        try:
            source.write_bytes(data)
        except OSError as error:
            raise LabError(f"{name} can't be read: there is no room in {folder} ({error.strerror}).") from None
        child = subprocess.Popen(
            [sys.executable, "-m", "core.datasets.child", str(source), name, str(answer), str(MEMORY)],
            cwd=SOURCE,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            said = _listen(name, child, told)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        if "error" in said:
            raise LabError(said["error"])
        if "notes" not in said:
            raise LabError(
                f"{name} could not be read: it needs more than {MEMORY / 2**30:.1f} GB of memory, or is damaged."
            )
        return Table(_columns(answer), said["refused"], tuple(said["notes"]), said["named"])


def _listen(name: str, child: subprocess.Popen, told: Told) -> dict:
    """What the child says last, progress passed on meanwhile; {} where it died."""
    until, rest, said, part = time.monotonic() + SECONDS, b"", {}, 0.0
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while True:
            ready = waiting.select(0.5)
            if time.monotonic() > until:
                raise LabError(f"Reading {name} took longer than {SECONDS:.0f} s and was ended. Make it smaller.")
            if not ready:
                told(part)  # also the moment for whoever wants to end it
                continue
            piece = os.read(child.stdout.fileno(), 2**16)
            if not piece:
                return said
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "part" in said:
                    part = said["part"]
                    told(part)


def _columns(answer: Path) -> dict[str, np.ndarray]:
    import pyarrow as pa

    with pa.memory_map(str(answer)) as stream:  # the map outlives the file's name
        table = pa.ipc.open_file(stream).read_all()
    return {column: table.column(column).chunk(0).to_numpy() for column in table.column_names}


def main(source: str, name: str, answer: str, memory: str) -> None:
    """The child's side."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "w")
    last = 0.0

    def say(**words: object) -> None:
        out.write(json.dumps(words) + "\n")
        out.flush()

    def told(part: float) -> None:
        nonlocal last
        if time.monotonic() - last > 0.1:
            last = time.monotonic()
            say(part=part)

    try:
        table = read_file(name, Path(source).read_bytes(), told)
        import pyarrow as pa

        columns = pa.table({column: pa.array(values) for column, values in table.columns.items()})
        with pa.OSFile(answer, "wb") as file, pa.ipc.new_file(file, columns.schema) as writer:
            writer.write_table(columns)
        say(notes=table.notes, refused=table.refused, named=table.named)
    except (LabError, OSError) as error:
        say(error=str(error))
    except MemoryError:
        say(error=f"{name} needs more than {int(memory) / 2**30:.1f} GB of memory to be read. Make it smaller.")


if __name__ == "__main__":
    main(*sys.argv[1:])
