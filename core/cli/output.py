"""What commands write: lines that a terminal only shows, one line for an error, JSON where it was asked for."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from core.errors import LabError
from core.files import finite
from core.plain_text import fit_to_show, printable, scrubbed, shortened, traceback_of


def say(line: str = "", *, to: TextIO | None = None) -> None:
    """Write one line of what data hold; characters that a terminal would obey are written out."""
    print(printable(line, keep="\t"), file=to or sys.stdout, flush=True)


def note(line: str) -> None:
    """Write one line on stderr, beside the result."""
    say(line, to=sys.stderr)


def print_error(error: LabError | str) -> None:
    """An error as one line on stderr."""
    note(f"error: {' '.join(str(error).split())}")


def print_defect(error: Exception) -> None:
    """An error that nobody can put right from outside: one line on stderr, its traceback in a file of the lab home."""
    from core.home import home

    told = traceback_of(error)
    what = shortened(fit_to_show(f"{type(error).__name__}: {error}"), 300)
    try:
        folder = home().ensure().root / "tracebacks"
        folder.mkdir(exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        path.write_text(f"{printable(sys.argv)}\n{told}", encoding="utf-8", errors="backslashreplace")
    except (LabError, OSError):
        sys.stderr.write(told)
        print_error(f"{what}. This is a defect of the program; its traceback is above.")
    else:
        print_error(f"{what}. This is a defect of the program; its traceback is in {path}.")


@contextlib.contextmanager
def patient_streams() -> Iterator[None]:
    """Nothing that happens to stdout or stderr ends a command: a reader that left, a full disk, a narrow encoding.

    What can't be encoded is written as its escape; what can't be written is dropped.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Patient(before[0]), _Patient(before[1], brief=True)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # a closed stream
            sys.stdout.flush()
            sys.stderr.flush()
        sys.stdout, sys.stderr = before


class _Patient:
    """A text stream without secrets and control characters, which gives up silently where its other end is gone."""

    def __init__(self, stream: TextIO | None, brief: bool = False):
        self._brief = brief
        self._stream = stream or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # closed by who started us
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        try:
            self._stream.write(self._fit(text))
        except OSError:
            self._give_up()
        return len(text)

    def _fit(self, text: str) -> str:
        """What the parser of arguments quotes, and a traceback, as a terminal may have it."""
        shown = printable(scrubbed(text), keep="\n\t\r")
        return "\n".join(map(shortened, shown.split("\n"))) if self._brief else shown

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """A command that is asked to end, by SIGTERM or a closed terminal, first takes away what it has half written."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_writable(path: Path | None) -> None:
    """Raise LabError, before any work is done for it, when a file can't be written."""
    if path is None:
        return
    folder = path.absolute().parent
    try:
        if not folder.is_dir():
            raise LabError(f"{path} can't be written: there is no folder {folder}.")
        if path.is_dir():
            raise LabError(f"{path} can't be written: it is a folder. Name a file in it, for example {path / 'out'}.")
        there = path.exists()
        if not there or path.is_file():  # what is no file, a pipe or a terminal, is opened when there is something
            with path.open("ab"):
                pass
            if not there:
                path.unlink()
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from None


def write_file(path: Path, data: bytes) -> None:
    """Write a result. Raises LabError where it can't be written after all."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror or error}.") from None


def write_json(path: Path | None, data: dict[str, Any]) -> None:
    """Write a result, where a file was named for it. Raises LabError.

    What is not finite is null, with its reason (`core.files.finite`).
    """
    if path:
        write_file(path, (json.dumps(finite(data), indent=2, allow_nan=False) + "\n").encode())
