"""What is to be done about an attempt that a cluster has: the one place where that is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.jobs.engines.contract import Said

SILENT_S = 30.0
"""Seconds without a heartbeat, which comes every two, after which a process that nobody can see is taken for gone."""


@dataclass(frozen=True)
class Signs:
    """All that is known of an attempt."""

    answers: bool
    """The engine answers."""
    said: Said | None
    """What it says of the attempt; None where it does not know it, or does not answer."""
    begun: bool
    """The run's process has begun."""
    word: bool
    """It has said how it ended."""
    refused: str
    """Why a node would not begin it; empty where none refused."""
    silent_s: float
    """Seconds since its last sign of life changed, as far as we have watched it."""
    killed: bool = False
    """Its end was asked for, and its grace is over: a process that is still there ends as soon as it reads its row."""


@dataclass(frozen=True)
class Verdict:
    """What became of an attempt."""

    what: Literal["unsubmitted", "pending", "at work", "unstarted", "gone", "refused"]
    word: str = ""
    """For people: what the engine says of it, or why it is gone."""
    returncode: int | None = None
    lost: bool = False
    """It is gone through no fault of its own."""


def verdict(signs: Signs) -> Verdict:
    """What became of an attempt, by all that is known.

    A process that nobody sees any more may still write into the run's folder: it is taken for gone once it is silent.
    """
    silent = signs.silent_s >= SILENT_S
    said = signs.said
    if signs.refused:
        return Verdict("refused", signs.refused)
    if not signs.answers:
        if silent and (signs.word or signs.killed):  # a head that never returns must not hold a stop for ever
            return Verdict("gone")
        return Verdict("at work" if signs.begun else "pending", "its engine does not answer")
    if said is None:
        return _unknown(signs, silent)
    if said.what == "ended":
        return _ended(signs, said, silent)
    if signs.begun:
        return Verdict("at work")
    if said.what == "running":
        return Verdict("pending", f"starting on {said.node}" if said.node else "starting")
    return Verdict("pending", f"pending: {said.word}" if said.word else "pending")


def _unknown(signs: Signs, silent: bool) -> Verdict:
    if signs.word or signs.begun:
        why = "Its engine knows nothing of it any more."
        return (
            Verdict("gone", why, lost=True) if silent else Verdict("at work", "its engine has lost it, and it goes on")
        )
    return Verdict("unsubmitted")


def _ended(signs: Signs, said: Said, silent: bool) -> Verdict:
    where = f" on {said.node}" if said.node else ""
    if said.lost and signs.begun and not silent:
        return Verdict("at work", f"its engine says that it is lost{where}, and it still gives signs of life")
    if said.lost and not (signs.begun or signs.word):
        return Verdict("unstarted", said.word or f"Its node is gone{where}.")
    if said.lost:
        return Verdict("gone", said.word or f"Its node is gone{where}.", lost=True)
    if not signs.begun and not signs.word:
        return Verdict("gone", f"It ended{where} before it began. {said.word}".rstrip(), said.returncode)
    return Verdict("gone", said.word, said.returncode)
