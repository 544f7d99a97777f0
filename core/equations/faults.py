"""What is wrong with a typed text, and where: every fault points at characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

from core.errors import MOST_FAULTS, LabError
from core.plain_text import printable

CARET_WIDTH = 100
"""Characters of a text that are shown above a caret."""


LONGEST_MISTYPED = 24


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a text.

    `start` and `end` count characters of `text` from 0, `end` is the first one behind; both 0 for a fault of the whole.
    """

    message: str
    text: str = ""
    start: int = 0
    end: int = 0
    label: str = ""
    """Which text of a system it is: `equation 2`, `condition 3`, `exact u`."""
    expected: str = ""
    nearest: str = ""
    warning: bool = False
    """Whether a person may go on all the same."""

    @property
    def sentence(self) -> str:
        """What, where, what was expected, and the nearest name, on one line."""
        told = f"{self.label}: {self.message}" if self.label else self.message
        if self.end > self.start and (self.start, self.end) != (0, len(self.text)):
            told += f" at character {self.start + 1}"
        if self.expected:
            told += f"; expected {self.expected}"
        if self.nearest:
            told += f"; did you mean {self.nearest}?"
        return printable(told)

    @property
    def caret(self) -> str:
        """The text with a line of carets below what is meant; empty where the fault is of no one place."""
        if self.end <= self.start:
            return ""
        first = max(0, min(self.start - CARET_WIDTH // 2, len(self.text) - CARET_WIDTH))
        shown = "".join(" " if character.isspace() else character for character in self.text[first:][:CARET_WIDTH])
        if printable(shown) != shown:
            shown = "".join(character if printable(character) == character else "?" for character in shown)
        head = "…" if first else ""
        marked = max(1, min(self.end, first + CARET_WIDTH) - self.start)
        return f"{head}{shown}\n{' ' * (len(head) + self.start - first)}{'^' * marked}"


class EquationError(LabError):
    """Typed equations that can't be taken. `faults` holds everything that was found, in the order of the texts."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = tuple(faults)
        sentences = [fault.sentence for fault in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            sentences.append(f"and {len(self.faults) - MOST_FAULTS:,} more faults")
        super().__init__("; ".join(sentences))

    @property
    def carets(self) -> str:
        """Sentence and caret line of each fault, for a terminal."""
        return "\n".join(part for fault in self.faults for part in (fault.sentence, fault.caret) if part)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The known name that a mistyped one is most like, one letter off or two of a long one; empty where none is."""
    if not 2 <= len(name) <= LONGEST_MISTYPED:
        return ""
    best, found = 1.5 if len(name) <= 4 else 2.5, ""
    for each in sorted(set(known)):
        if abs(len(each) - len(name)) > 2:
            continue
        typed, there = name.lower(), each.lower()
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(typed, there, strict=False)))
        far = _edits(typed, there) - 0.3 * alike / len(typed)  # a slip is rarely at the start
        if far < best:
            best, found = far, each
    return found


def _edits(a: str, b: str) -> int:
    """How many letters are to be changed, added, taken away or swapped with the next to make one of the other."""
    before, row = [], list(range(len(b) + 1))
    for i, letter in enumerate(a):
        last, before, row = before, row, [i + 1]
        for j, other in enumerate(b):
            row.append(min(before[j] + (letter != other), before[j + 1] + 1, row[j] + 1))
            if i and j and letter == b[j - 1] and a[i - 1] == other:
                row[-1] = min(row[-1], last[j - 1] + 1)
    return row[-1]


@contextmanager
def of_the_domain() -> Iterator[None]:
    """What a domain refuses while a system is looked at is a fault of the domain's text. Raises EquationError."""
    try:
        yield
    except EquationError:
        raise
    except LabError as error:
        raise EquationError([Fault(str(error).rstrip("."), label="domain")]) from None
