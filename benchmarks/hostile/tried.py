"""One hostile input: how it is tried, within which bounds, and what counts as a fault."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import psutil

from core.errors import LabError

LONGEST_MESSAGE = 2000
"""Characters of an error that a person still reads."""
UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys, or that turn a line round."""

Fault = str | None


@dataclass(frozen=True)
class Input:
    """One thing to try."""

    suite: str
    label: str
    try_it: Callable[[], Fault]
    """Says what is at fault, None where all is well; a LabError is a refusal in words, anything else raised a fault."""
    seconds: float = 10.0
    megabytes: float = 500.0


@dataclass(frozen=True)
class Outcome:
    """What became of an input."""

    fault: Fault
    kind: str
    """`traceback`, `wrong value`, `time`, `memory`, `message`, `script`, `request`, `layout`, or "" without a fault."""
    refused: bool
    seconds: float
    megabytes: float


class TooLongError(Exception):
    """The input's time is up."""


def fault_of_message(text: str) -> Fault:
    """What is wrong with the words of a refusal."""
    if not text.strip():
        return "message: a refusal without words"
    if "Traceback (most recent call last)" in text:
        return f"traceback: {text[-300:]}"
    if len(text) > LONGEST_MESSAGE:
        return f"message: {len(text):,} characters"
    if found := UNREADABLE.search(text.rstrip("\n").replace("\n", " ").replace("\t", " ")):
        return f"message: has the control character {found.group()!r}"
    return None


def tried(case: Input) -> Outcome:
    """The outcome of one input in this process."""
    began, refused = time.perf_counter(), False
    with _memory() as most, _time(case.seconds):
        try:
            fault = case.try_it()
        except LabError as error:
            refused, fault = True, fault_of_message(str(error))
        except TooLongError:
            fault = f"time: more than {case.seconds:g} s"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            fault = f"traceback: {type(error).__name__}: {str(error)[:200]} ({where.filename}:{where.lineno})"
    seconds = time.perf_counter() - began
    if fault is None and most[0] > case.megabytes:
        fault = f"memory: {most[0]:.0f} MB"
    return Outcome(fault, fault.split(":")[0] if fault else "", refused, seconds, most[0])


@contextlib.contextmanager
def _time(seconds: float) -> Iterator[None]:
    def up(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _memory() -> Iterator[list[float]]:
    """The largest growth of this process, in MB, sampled beside the input."""
    process, most, done = psutil.Process(), [0.0], threading.Event()
    before = process.memory_info().rss

    def look() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], (process.memory_info().rss - before) / 1e6)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def command(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `python -m core …` in this process, which has imported what it needs."""
    from core.cli import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["core", *arguments]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


def fault_of_command(*arguments: str) -> Fault:
    """What is at fault with a command's answer: its exit code, its words, what a terminal would do with them."""
    code, out, err = command(*arguments)
    if code not in (0, 1, 2, 130):
        return f"message: exit code {code}"
    if "Traceback (most recent call last)" in out + err:
        return f"traceback: {(out + err)[-300:]}"
    if code == 2:
        refusals = [line for line in err.strip().splitlines() if line.strip()]
        if not refusals:
            return "message: exit code 2 without a word on stderr"
        if len(refusals) > 4:  # typer's own usage errors have a few lines
            return f"message: {len(refusals)} lines on stderr: {err[:200]!r}"
    if len(err) > LONGEST_MESSAGE:
        return f"message: {len(err):,} characters on stderr"
    if found := UNREADABLE.search((out + err).replace("\n", " ").replace("\t", " ").replace("\r", " ")):
        return f"message: the terminal is sent {found.group()!r}"
    return None


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for a while."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
