"""The fields of the Equation page. Rows come and go by numbers of their own, so that the others stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.config import RunConfig
from core.equations.names import MOST_COORDINATES, MOST_FIELDS
from core.equations.typed_system import MOST_CONDITIONS
from core.problems.equation import Equation
from pages.parts.equation.domain_form import domain_form
from pages.parts.equation.draft import TYPED, Draft
from pages.parts.shared.model_form import fields_form
from pages.parts.shared.text import Markdown, plain

TEXT_HEIGHT = 110
FURTHER_FIELDS = {name for name, info in Equation.model_fields.items() if (info.alias or name) not in TYPED}
"""Fields of the problem that have no place of their own on the page: dataset, weights."""
FURTHER = tuple(info.alias or name for name, info in Equation.model_fields.items() if name in FURTHER_FIELDS)
"""The names that they have in the problem's data."""
FIRST = {"seed": 0, "device": "auto"}
MOST_ROWS = {"coordinate": MOST_COORDINATES + 1, "condition": MOST_CONDITIONS}


@dataclass(frozen=True)
class Place:
    """Where something was typed: room for messages below it, and the widget's key."""

    room: Any
    key: str
    line: int = 0
    """Of a widget with several lines."""


Places = dict[tuple[str, int | str], Place]
"""What was typed, and which of it (row, name, line) → where."""


def start_from(draft: Draft) -> None:
    """Fill the form anew; what it held can be brought back."""
    st.session_state["equation.before"] = st.session_state.get("equation.typed")
    _fill(draft)


def _fill(draft: Draft) -> None:
    held = st.session_state
    held["equation.draft"] = held["equation.typed"] = draft
    held["equation.errors"] = {}
    held["equation.form"] = held.get("equation.form", 0) + 1
    held["equation.rows"] = {
        "coordinate": list(range(len(draft.coordinates))),
        "condition": list(range(len(draft.conditions))),
    }


def kept_or(first: Callable[[], Draft]) -> None:
    """What was typed when the page was left comes back; at the first time, what `first` makes."""
    held = st.session_state
    if "equation.typed" not in held:
        start_from(first())
    elif held.get("equation.drawn") == held["equation.form"] and f"{form_key()}.fields" not in held:
        _fill(held["equation.typed"])  # Streamlit forgets the fields of a page that isn't shown


def form_key() -> str:
    """Prefix of the keys of this form's widgets."""
    return f"equation.{st.session_state['equation.form']}"


def equation_form() -> tuple[Draft, Places]:
    """Draw the fields, from top to bottom as one would say it; returns what they hold, and where."""
    draft, key, places = st.session_state["equation.draft"], form_key(), {}
    with st.container(border=True):
        equations = _equations(draft, key, places)
        names = _names(draft, key, places)
    with st.container(border=True):
        domain = domain_form(draft.domain, key, _fitting_coordinates)
        places["domain", 0] = Place(st.container(), f"{key}.joined")
        coordinates, time = _coordinates(replace(draft, domain=domain), key, places)
        conditions, weights = _conditions(draft, bool(domain.strip()), key, places)
    with st.container(border=True):
        manufactured, exact = _exact(replace(draft, **names), key, places)
    with st.expander("Data and weights", icon=":material/dataset:"):
        further = _further(draft, key)
    st.session_state["equation.drawn"] = st.session_state["equation.form"]
    typed = replace(
        draft, domain=domain, coordinates=coordinates, time=time, equations=equations, conditions=conditions,
        weights=weights, manufactured=manufactured, exact=exact, problem={**draft.problem, **further}, **names,
    )  # fmt: skip
    for number, row in enumerate(typed.typed_rows, 1):
        places["condition", number] = places["row", row]
        places["where", number] = places["where row", row]
    return typed, places


def _further(draft: Draft, key: str) -> dict[str, Any]:
    errors = {path[1:]: line for path, line in st.session_state["equation.errors"].items() if path[0] == "problem"}
    first = Equation.model_construct().model_dump(mode="json", by_alias=True, include=FURTHER_FIELDS)
    return fields_form(Equation, FURTHER, {**first, **draft.problem}, errors, f"{key}.further")


def run_fields(draft: Draft, key: str) -> dict[str, Any]:
    """Name, seed and device of the run."""
    left, right = st.columns([2, 3], gap="small")
    with left:
        name = st.text_input("Name of the run", draft.run.get("name", ""), key=f"{key}.run")
    with right:
        return {"name": name} | fields_form(RunConfig, ("seed", "device"), {**FIRST, **draft.run}, {}, key)


def _equations(draft: Draft, key: str, places: Places) -> str:
    typed = st.text_area(
        "Equations, one a line",
        draft.equations,
        height=TEXT_HEIGHT,
        key=f"{key}.equations",
        placeholder="u_t = nu*u_xx + sin(pi*x)",
        help="Derivatives as `u_t`, `u_xx`, `diff(u, x, 2)`, `laplacian(u)`, `div`, `grad`, `dot`, `curl`; "
        "functions from `sin` to `erf`, `where(x < 0, a, b)`, `pi`.",
    )
    room = st.container()
    lines = replace(draft, equations=typed).typed_lines
    places |= {("equation", n): Place(room, f"{key}.equations", line) for n, line in enumerate(lines, 1)}
    places["equation", 0] = Place(room, "")
    return typed


def _coordinates(draft: Draft, key: str, places: Places) -> tuple[tuple[tuple[str, str, str], ...], str]:
    rows, found, time = st.session_state["equation.rows"]["coordinate"], [], ""
    for row, number in enumerate(rows):
        own = draft.coordinates[number] if number < len(draft.coordinates) else ("", "", "")
        parts = st.columns([3, 3, 3, 2.4, 1], vertical_alignment="bottom", gap="small")
        shown = "visible" if row == 0 else "collapsed"
        ticked = bool(st.session_state.get(f"{key}.time.{number}", bool(own[0]) and own[0] == draft.time))
        with parts[0]:
            texts = [st.text_input("Coordinate", own[0], key=f"{key}.name.{number}", label_visibility=shown)]
        for part, label, name, value in zip(parts[1:], ("from", "to"), ("low", "high"), own[1:], strict=False):
            with part:
                if draft.domain.strip() and not ticked:
                    st.text_input(label, "", key=f"{key}.{name}.{number}.of", disabled=True, label_visibility=shown,
                                  placeholder="the domain's")  # fmt: skip
                    texts.append(value)
                else:
                    texts.append(st.text_input(label, value, key=f"{key}.{name}.{number}", label_visibility=shown))
        with parts[3]:
            ticked = st.checkbox(
                "is time",
                bool(own[0]) and own[0] == draft.time,
                key=f"{key}.time.{number}",
                on_change=_one_time,
                args=(key, number),
            )
        with parts[4]:
            _remove("coordinate", number, len(rows) > 1)
        found.append(tuple(texts))
        if ticked:
            time = texts[0].strip()
        place = Place(st.container(), f"{key}.name.{number}")
        places["coordinate row", row] = place
        places.setdefault(("coordinate", texts[0].strip()), place)
    _add("Add a coordinate", "coordinate")
    places["coordinates", 0] = Place(st.container(), "")
    return tuple(found), time


def _fitting_coordinates(dimension: int) -> None:
    """Before they are drawn: at least as many coordinates of space as the domain has dimensions."""
    held, key = st.session_state, form_key()
    rows = held["equation.rows"]["coordinate"]
    names = {number: str(held.get(f"{key}.name.{number}", "")).strip() for number in rows}
    space = [names[number] for number in rows if names[number] and not held.get(f"{key}.time.{number}")]
    for name in [each for each in "xyz" if each not in space][: max(0, dimension - len(space))]:
        blank = next((number for number in rows if not names[number]), None)
        if blank is None:
            if len(rows) >= MOST_ROWS["coordinate"]:
                return
            _added("coordinate")
            blank = rows[-1]
        held[f"{key}.name.{blank}"], names[blank] = name, name


def _one_time(key: str, chosen: int) -> None:
    """Before the page is drawn again: one coordinate at most is time."""
    for number in st.session_state["equation.rows"]["coordinate"]:
        if number != chosen:
            st.session_state[f"{key}.time.{number}"] = False


def _names(draft: Draft, key: str, places: Places) -> dict[str, str]:
    found = {}
    for part, (name, label, placeholder, help_text) in zip(st.columns(3, gap="small"), NAMED, strict=True):
        with part:
            found[name] = st.text_input(
                label, getattr(draft, name), key=f"{key}.{name}", placeholder=placeholder, help=help_text
            )
    for name in found:
        places[name, 0] = Place(st.container(), f"{key}.{name}")
    return found


NAMED = (
    ("fields", "Fields", "u, v", f"What is looked for, up to {MOST_FIELDS}: `u, v`; `a(x)` depends on x alone."),
    ("parameters", "Parameters", "nu = 0.01, k = 4", "Numbers that the equations name: `nu = 0.01, L = 2*pi`."),
    ("unknowns", "Unknown numbers", "k = 1", "Numbers to be found, and where their search starts."),
)


def _conditions(
    draft: Draft, on_domain: bool, key: str, places: Places
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Where and what, and what each weighs: on a domain conditions are rows beside the equations'."""
    rows, found, weights = st.session_state["equation.rows"]["condition"], [], []
    weighed = on_domain or any(draft.weights)
    for row, number in enumerate(rows):
        own = draft.conditions[number] if number < len(draft.conditions) else ("", "")
        widths = [3.6, 5.4, 1.4, 1] if weighed else [4, 6.4, 1]
        left, right, *beside, away = st.columns(widths, vertical_alignment="bottom", gap="small")
        shown = "visible" if row == 0 else "collapsed"
        with left:
            where = st.text_input(
                "Where",
                own[0],
                key=f"{key}.where.{number}",
                label_visibility=shown,
                placeholder="x = 0",
                help="`x = 0`, `t = 0`, `boundary`, a boundary's name such as `hole 1`, `periodic in x`, a point "
                "`(0.5, 0.5)`; several with `and`.",
            )
        with right:
            what = st.text_input(
                "What holds there",
                own[1],
                key=f"{key}.what.{number}",
                label_visibility=shown,
                placeholder="u = 0",
                help="`u = sin(pi*x)`, `dn(u) = 0`, `u_t = 0`, `u even`; several with `;`.",
            )
        weights.append(draft.weight_of(number))
        for column in beside:
            with column:
                weights[-1] = st.text_input(
                    "Weight",
                    weights[-1],
                    key=f"{key}.weight.{number}",
                    label_visibility=shown,
                    placeholder="1",
                    help="Of its rows beside those of other conditions. All conditions' weight is below.",
                )
        with away:
            _remove("condition", number, len(rows) > 1)
        room = st.container()
        places["row", row] = Place(room, f"{key}.what.{number}")
        places["where row", row] = Place(room, f"{key}.where.{number}")
        found.append((where, what))
    _add("Add a condition", "condition")
    places["condition", 0] = Place(st.container(), "")
    return tuple(found), tuple(weights)


def _exact(draft: Draft, key: str, places: Places) -> tuple[bool, dict[str, str]]:
    manufactured = st.toggle(
        "Choose the solution; the source is made for it",
        draft.manufactured,
        key=f"{key}.manufactured",
        help="The right-hand sides of equations and conditions become those of the solution that you type, so that "
        "the error of the run is known. Without conditions, those that are needed are made.",
    )
    found = {name: text for name, text in draft.exact.items()}
    for name in dict.fromkeys((*draft.field_names[:MOST_FIELDS], *draft.unknown_names)):
        found[name] = st.text_input(
            _exact_label(name, manufactured),
            draft.exact.get(name, ""),
            key=f"{key}.exact.{name}",
            placeholder="exp(-t)*sin(pi*x)" if manufactured else "leave empty where it isn't known",
        )
        places["exact", name] = Place(st.container(), f"{key}.exact.{name}")
    return manufactured, found


def _exact_label(name: str, chosen: bool) -> Markdown:
    return f"Solution of {plain(name, 30)}" if chosen else f"Exact {plain(name, 30)}"


def _add(label: Markdown, what: str) -> None:
    held = st.session_state["equation.rows"]
    full = len(held[what]) >= MOST_ROWS[what]
    st.button(label, key=f"equation.add.{what}", disabled=full, on_click=_added, args=(what,),
              icon=":material/add:", type="tertiary")  # fmt: skip


def _added(what: str) -> None:
    held = st.session_state["equation.rows"]
    known = getattr(st.session_state["equation.draft"], f"{what}s")
    held[what].append(max([len(known) - 1, *held[what], held.get(f"last {what}", -1)]) + 1)
    held[f"last {what}"] = held[what][-1]


def _remove(what: str, number: int, possible: bool) -> None:
    st.button(":material/close:", key=f"{form_key()}.remove.{what}.{number}", disabled=not possible,
              on_click=_removed, args=(what, number), type="tertiary",
              help="Remove this row")  # fmt: skip


def _removed(what: str, number: int) -> None:
    st.session_state["equation.rows"][what].remove(number)
