"""A module of this program in a process of its own, so that no file can cost the server its memory, time or life.

What runs there is given so much memory and processor time, says in lines of JSON how far it is, and last what it found.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from core.errors import LabError
from core.home import SOURCE

Told = Callable[[float], None]


def asked(
    module: str,
    arguments: list[str],
    what: str,
    seconds: float,
    memory: int,
    told: Told = lambda part: None,
    doing: str = "Reading",
    failed: str = "could not be read",
) -> dict:
    """What `python -m MODULE ARGUMENTS… MEMORY SECONDS` says last; whatever `told` raises ends the child and goes on.

    Args:
        module: its `main` works within `answering`.
        arguments: of the module.
        what: the file that it reads or makes, as people call it.
        seconds: longest that it may take.
        memory: bytes that it may take, the program itself included.
        told: hears how far it is, from 0 to 1.
        doing: what it does with the file, in a word.
        failed: the same where it did not come to its end.

    Raises:
        LabError: its own, or that it took too long or too much memory.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, str(memory), str(seconds)],
        cwd=SOURCE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = _listen(f"{doing} {what}", child, seconds, told)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    if "trace" in said:  # a defect of this program: whoever runs the server has to know where
        logging.getLogger(module).error("%s %s:\n%s", what, failed, said["trace"])
    if "error" in said:
        raise LabError(said["error"])
    if "part" in said or not said:
        raise LabError(f"{what} {failed}: it needs more than {memory / 2**30:.1f} GB of memory, or is damaged.")
    return said


def _listen(what: str, child: subprocess.Popen, seconds: float, told: Told) -> dict:
    """What the child says last, progress passed on meanwhile; {} where it died at once."""
    until, rest, said, part = time.monotonic() + seconds, b"", {}, 0.0
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while True:
            ready = waiting.select(0.5)
            if time.monotonic() > until:
                raise LabError(f"{what} took longer than {seconds:.0f} s and was ended. Make it smaller.")
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


@contextlib.contextmanager
def answering(what: str, memory: str, seconds: str) -> Iterator[Callable[..., None]]:
    """The child's side: limits, and a function that says something; what goes wrong inside is said as `error`."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    longest = max(1, int(float(seconds)))
    resource.setrlimit(resource.RLIMIT_CPU, (longest, longest + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "w")

    def say(**words: object) -> None:
        out.write(json.dumps(words) + "\n")
        out.flush()

    try:
        yield say
    except (LabError, OSError) as error:
        say(error=str(error))
    except MemoryError:
        say(error=f"{what} needs more than {int(memory) / 2**30:.1f} GB of memory to be read. Make it smaller.")


def sparing(say: Callable[..., None]) -> Told:
    """A function that says progress, but not more often than a person can see."""
    last = 0.0

    def told(part: float) -> None:
        nonlocal last
        if time.monotonic() - last > 0.1:
            last = time.monotonic()
            say(part=part)

    return told
