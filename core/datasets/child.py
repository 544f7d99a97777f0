"""Reading a table in a process of its own, which leaves an Arrow file behind that is mapped into memory here."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from core.apart import Told, answering, asked, sparing
from core.datasets.tables import Table, read_file
from core.errors import LabError

SECONDS = 120.0
"""Longest that reading a file may take."""
MEMORY = 3 * 2**30
"""Bytes that the child may take, the program itself included."""


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
        said = asked("core.datasets.child", [str(source), name, str(answer)], name, SECONDS, MEMORY, told)
        return Table(_columns(answer), said["refused"], tuple(said["notes"]), said["named"])


def _columns(answer: Path) -> dict[str, np.ndarray]:
    import pyarrow as pa

    with pa.memory_map(str(answer)) as stream:  # the map outlives the file's name
        table = pa.ipc.open_file(stream).read_all()
    return {column: table.column(column).chunk(0).to_numpy() for column in table.column_names}


def main(source: str, name: str, answer: str, *limits: str) -> None:
    """The child's side."""
    with answering(name, *limits) as say:
        table = read_file(name, Path(source).read_bytes(), sparing(say))
        import pyarrow as pa

        columns = pa.table({column: pa.array(values) for column, values in table.columns.items()})
        with pa.OSFile(answer, "wb") as file, pa.ipc.new_file(file, columns.schema) as writer:
            writer.write_table(columns)
        say(notes=table.notes, refused=table.refused, named=table.named)


if __name__ == "__main__":
    main(*sys.argv[1:])
