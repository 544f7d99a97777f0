"""Which rules hold for a run: its own and the lab's, each of them once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.rules import AnyRule, Rule

_OWN = TypeAdapter(tuple[AnyRule, ...])


def rules_in_force(config: dict[str, Any] | None, lab: Iterable[Rule]) -> dict[str, Rule]:
    """The rules of a run by their key, which says what a rule asks, not what is done then.

    Where run and lab ask the same, it is stopped if either wants it, and those are told whom either names.

    Args:
        config: of the run, as it was written; None where it has none that can be read.
        lab: rules of the lab's settings.

    Raises ValueError where the config's rules are none.
    """
    found: dict[str, Rule] = {}
    for rule in (*own_rules(config), *lab):
        key = key_of(rule)
        found[key] = _both(found[key], rule) if key in found else rule
    return found


def own_rules(config: dict[str, Any] | None) -> tuple[Rule, ...]:
    """The rules that a run's config has as it was written. Raises ValueError where they are none."""
    try:
        return _OWN.validate_python((config or {}).get("watch") or ())
    except ValidationError as error:
        raise ValueError(f"the run's own rules can't be used: {error.errors()[0]['msg']}") from None


def key_of(rule: Rule) -> str:
    """A rule's kind and figures in one text: the same rule fires once for an attempt of a run."""
    return json.dumps(rule.model_dump(mode="json", exclude={"stop", "tell"}), sort_keys=True)


def _both(one: Rule, other: Rule) -> Rule:
    tell = tuple(dict.fromkeys((*one.tell, *other.tell))) if one.tell and other.tell else ()  # empty: all channels
    return one.model_copy(update={"stop": one.stop or other.stop, "tell": tell})
