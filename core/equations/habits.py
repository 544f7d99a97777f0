"""What people type who come from other notations, and how it is typed here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.equations.functions import plain_name

if TYPE_CHECKING:
    from core.equations.names import Names

IMAGINARY = "fields that are real: the real and the imaginary part as two"
ENDLESS = "a finite number"
_OTHERS = {
    "i": IMAGINARY, "j": IMAGINARY, "I": IMAGINARY, "inf": ENDLESS, "infinity": ENDLESS, "oo": ENDLESS, "nan": ENDLESS,
    "lap": "laplacian(…)", "Lap": "laplacian(…)", "nabla": "grad(…), div(…) or curl(…)",
    "gradient": "grad(…)", "divergence": "div(…)", "rot": "curl(…)", "arctan": "atan(…)", "arcsin": "asin(…)",
    "arccos": "acos(…)", "sgn": "sign(…)", "step": "heaviside(…)", "integral": "int(…)", "integrate": "int(…)",
    "cosec": "1/sin(…)", "sec": "1/cos(…)", "cot": "1/tan(…)", "csc": "1/sin(…)", "dx": "a derivative such as u_x",
}  # fmt: skip


def meant(name: str, names: Names) -> str:
    """What an unknown name probably stands for, as it is typed here; empty where no habit is known.

    Args:
        name: as typed.
        names: what may be named.
    """
    plain = plain_name(name)
    if plain in _OTHERS:
        return _OTHERS[plain]
    fields = sorted(names.fields, key=len, reverse=True)
    if name.startswith("Δ") or plain.startswith("Delta"):
        of = plain.removeprefix("Delta").strip("_") or fields[0] if fields else "u"
        return f"laplacian({of})"
    letters = "|".join(map(re.escape, sorted(names.coordinates, key=len, reverse=True)))
    if not fields or not letters:
        return ""
    of = "|".join(map(re.escape, fields))
    run_together = re.fullmatch(f"({of})((?:{letters}){{1,4}})", plain)
    if run_together:  # uxx
        return f"{run_together[1]}_{run_together[2]}"
    quotient = re.fullmatch(f"d[0-9]?({of})(?:d({letters}))?|d({letters})[0-9]?", plain)
    if quotient:  # du/dt, dudt
        field = quotient[1] or fields[0]
        by = quotient[2] or quotient[3] or names.fields[field][-1]
        return f"a derivative typed as {field}_{by}, or diff({field}, {by})"
    return ""
