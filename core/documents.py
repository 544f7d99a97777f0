"""YAML or JSON text to plain data: nothing is expanded before it is counted, nothing guessed, nothing said twice.

YAML is read from its parser's events, one after the other: no tag makes an object, an alias is counted with all that it
stands for before it is copied, a key that stands twice is refused, and so is a word that YAML 1.1 and 1.2 read
differently (`on`, `012`, a date). JSON is looked through by its tokens before Python's own reader makes data of it.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MOST_VALUES = 20_000
"""Values in a file, each repetition by a YAML alias counted."""
DEEPEST = 30
"""Lists and mappings inside each other; a config has six."""
MOST_DIGITS = 100
"""Of an integer."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"
_TAG = "tag:yaml.org,2002:"
_NULLS = ("", "~", "null", "Null", "NULL")
_TRUTHS = {word: value for value in (True, False) for word in (f"{value}", f"{value}".lower(), f"{value}".upper())}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:,"\s]+')


class DocumentError(ValueError):
    """A text that no data are made of. Its words begin with the line and the column, where those are known.

    `grammar` tells whether the text breaks the rules of YAML and JSON, not just the bounds kept here.
    """

    def __init__(self, words: str, line: int | None = None, column: int | None = None, grammar: bool = False):
        self.grammar = grammar
        self.words = words
        super().__init__(f"line {line}, column {column}: {words}" if line else words)


def plain_data(text: str) -> Any:
    """Data of a whole file: JSON as JSON, everything else as YAML. Raises DocumentError."""
    _check_characters(text)
    try:
        json.loads(text)
    except RecursionError:
        pass  # told with its place below
    except ValueError as error:
        if "digits" not in str(error):  # of an integer, which is told with its place below
            return yaml_data(text)
    _look_through_json(text)
    return json.loads(text)


def yaml_data(text: str) -> Any:
    """Data of one YAML document. Raises DocumentError."""
    _check_characters(text)
    try:
        return _Builder(text).data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = error.problem or error.context or "it can't be parsed"
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise DocumentError(words, *place, grammar=True) from None
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split()), grammar=True) from None


def _check_characters(text: str) -> None:
    if bad := _CONTROL.search(text):
        raise DocumentError(f"the character U+{ord(bad[0]):04X} is not allowed", *_place(text, bad.start()), True)


# -- YAML ---------------------------------------------------------------------------------------------------------


@dataclass
class _Open:
    """A list or mapping of which not all has been read."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    counted: int
    """Values of the document that were counted before it."""
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of a mapping: where each key stands."""
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """One pass over the events of one document."""

    def __init__(self, text: str):
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_LOADER))
        self._count = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._root: Any = None

    def data(self) -> Any:
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _fault(event, "a second document begins, and a config is one")
            elif isinstance(event, yaml.ScalarEvent):
                self._counted(event, 0 if self._expects_key() else 1)
                self._keep(event, self._scalar(event))
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end(event)
        return self._root

    def _counted(self, event: yaml.Event, values: int) -> None:
        self._count += values
        if self._count > MOST_VALUES:
            raise _fault(event, f"more than {MOST_VALUES:,} values, aliases counted, and no config needs so many")

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise _fault(event, f"the tag {_short_tag(event)} is not read", grammar=True)
        if self._expects_key():
            raise _fault(event, "a key is a word, not a list or mapping", grammar=True)
        if len(self._open) >= DEEPEST:
            raise _fault(event, f"nested more than {DEEPEST} deep, and no config is")
        self._open.append(_Open({} if mapping else [], event.anchor, self._count))
        self._counted(event, 1)
        if event.anchor:
            self._anchors[event.anchor] = None  # not whole yet

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        ended = self._open.pop()
        for source in ended.merged:
            for key, value in source.items():
                ended.value.setdefault(key, copy.deepcopy(value))
        size = self._count - ended.counted
        if ended.anchor:
            self._anchors[ended.anchor] = (ended.value, size)
        self._put(event, ended.value)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise _fault(event, f"the alias *{event.anchor} stands for nothing", grammar=True)
        known = self._anchors[event.anchor]
        if known is None:
            raise _fault(event, f"the alias *{event.anchor} stands among the values that it stands for")
        value, size = known
        self._counted(event, size)
        if self._expects_key():
            raise _fault(event, "a key is a word, not an alias", grammar=True)
        self._put(event, copy.deepcopy(value))

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if self._expects_key():
            return event.value
        tag = event.tag
        if tag == _TAG + "str" or (tag in (None, "!") and (event.style or tag == "!")):
            return event.value
        if tag is None:
            return _resolved(event, event.value)
        value = _resolved(event, event.value)
        fits = {"null": type(None), "bool": bool, "int": int, "float": int | float}.get(tag.removeprefix(_TAG))
        if fits is None or not isinstance(value, fits):
            raise _fault(event, f"the tag {_short_tag(event)} is not read here", grammar=True)
        return float(value) if tag == _TAG + "float" else value

    def _keep(self, event: yaml.ScalarEvent, value: Any) -> None:
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(event, value)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _put(self, event: yaml.Event, value: Any) -> None:
        if not self._open:
            self._root = value
            return
        place = self._open[-1]
        if isinstance(place.value, list):
            place.value.append(value)
        elif place.key is None:
            here = (event.start_mark.line + 1, event.start_mark.column + 1)
            if value in place.places:
                raise _fault(event, _twice(value, place.places[value]))
            place.places[value] = here
            place.key = value
        elif place.key == _MERGE:
            sources = value if isinstance(value, list) else [value]
            if not all(isinstance(source, dict) for source in sources):
                raise _fault(event, "<< merges mappings, and this is none", grammar=True)
            place.merged += sources
            place.key = None
        else:
            place.value[place.key] = value
            place.key = None


def _resolved(event: yaml.ScalarEvent, word: str) -> Any:
    """A word without quotes as YAML 1.2 reads it; refused where YAML 1.1 reads it as something else."""
    if word in _NULLS:
        return None
    if word in _TRUTHS:
        return _TRUTHS[word]
    if _INTEGER.fullmatch(word):
        digits = len(word.lstrip("+-"))
        if digits > MOST_DIGITS:
            raise _fault(event, f"a number of {digits:,} digits, and no field takes one")
        return int(word)
    if _NOT_FINITE.fullmatch(word):
        raise _fault(event, f"{word} is no number that a field takes")
    if _NUMBER.fullmatch(word):
        number = float(word)
        if not math.isfinite(number):
            raise _fault(event, f"{_brief(word)} is larger than any number here (1.8e308)")
        return number
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(word[:1], ()):
        if tag in _OTHER_READINGS and pattern.match(word):
            kind, instead = _OTHER_READINGS[tag]
            words = f"{_brief(word)} without quotes is {kind} to some readers of YAML and a text to others"
            raise _fault(event, f"{words}; put it in quotes{instead}", grammar=True)
    return word


_OTHER_READINGS = {
    _TAG + "bool": ("true or false", ", or write true or false"),
    _TAG + "int": ("a number", ", or write a plain number"),
    _TAG + "float": ("a number", ", or write a plain number"),
    _TAG + "timestamp": ("a date", ""),
}


def _short_tag(event: yaml.Event) -> str:
    return _brief(event.tag.replace(_TAG, "!!"))


def _fault(event: yaml.Event, words: str, grammar: bool = False) -> DocumentError:
    return DocumentError(words, event.start_mark.line + 1, event.start_mark.column + 1, grammar)


# -- JSON ---------------------------------------------------------------------------------------------------------


def _look_through_json(text: str) -> None:
    """Bounds, keys that stand twice and numbers that JSON does not know, in a text that is JSON otherwise."""
    open_keys: list[dict[str, int] | None] = []  # a mapping's keys with their places; None for a list
    values, before = 0, None
    for token in _TOKEN.finditer(text):
        word, at = token[0], token.start()
        if word == ":":
            keys, (name, where) = open_keys[-1], before
            if name in keys:
                raise DocumentError(_twice(name, _place(text, keys[name])), *_place(text, where))
            keys[name] = where
            values -= 1  # it was a key
        elif word in "[{":
            if len(open_keys) >= DEEPEST:
                raise DocumentError(f"nested more than {DEEPEST} deep, and no config is", *_place(text, at))
            open_keys.append({} if word == "{" else None)
            values += 1
        elif word in "]}":
            open_keys.pop()
        elif word != ",":
            values += 1
            before = (_json_word(text, word, at), at)
        if values > MOST_VALUES + 1:  # one may turn out to be a key
            raise DocumentError(f"more than {MOST_VALUES:,} values, and no config needs so many", *_place(text, at))


def _json_word(text: str, word: str, at: int) -> str:
    """A text or number of JSON, checked; texts without their escapes."""
    if word[0] == '"':
        said = json.loads(word)
        if any("\ud800" <= character <= "\udfff" for character in said):
            raise DocumentError("half a character (a lone surrogate) is not allowed", *_place(text, at))
        return said
    if word in ("NaN", "Infinity", "-Infinity"):
        raise DocumentError(f"{word} is no number that a field takes, nor JSON", *_place(text, at))
    if word[-1].isdigit():
        if word.lstrip("-").isdigit():
            if len(word) > MOST_DIGITS:
                raise DocumentError(f"a number of {len(word):,} digits, and no field takes one", *_place(text, at))
        elif not math.isfinite(float(word)):
            raise DocumentError(f"{_brief(word)} is larger than any number here (1.8e308)", *_place(text, at))
    return word


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column, from one, of a position."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _twice(key: str, first: tuple[int, int]) -> str:
    return f"{_brief(key)!r} stands twice, first in line {first[0]}, column {first[1]}"


def _brief(word: str) -> str:
    return word if len(word) <= 60 else word[:57] + "…"
