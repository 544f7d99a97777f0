"""Equations in LaTeX as MathML, which browsers set by themselves, and as a picture of paths for paper."""

from __future__ import annotations

import re
from functools import lru_cache
from xml.etree import ElementTree

MATHML = "http://www.w3.org/1998/Math/MathML"
ELEMENTS = frozenset(
    {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup",
     "munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose"}
)  # fmt: skip
ATTRIBUTES = frozenset(
    {"display", "mathvariant", "stretchy", "fence", "form", "separator", "lspace", "rspace", "minsize", "maxsize",
     "width", "height", "depth", "columnalign", "rowspacing", "columnspacing", "displaystyle", "scriptlevel", "accent",
     "accentunder", "linethickness", "mathcolor", "mathsize", "movablelimits", "largeop", "symmetric", "voffset"}
)  # fmt: skip
"""What equations are set with; nothing in it leads anywhere or runs, and anything else is refused."""
VALUE = re.compile(r"[\w#.+% -]*")
UNKNOWN_TO_THE_CONVERTER = {
    r"\begin{aligned}": r"\begin{align*}",
    r"\end{aligned}": r"\end{align*}",
    r"\operatorname{": r"\mathrm {",
    r"\mathrm{": r"\mathrm {",
}
"""What typed equations are written with → the same as it knows it: of `aligned` it would leave a bare `&`."""
TEXT = re.compile(r"\\text\{((?:\\.|[^{}\\])*)\}")
ESCAPED = re.compile(r"\\text(backslash|asciitilde|asciicircum) ?|\\([{}$#%&_])|([<>&\"'])")
WRITTEN_OUT = {"backslash": "\\", "asciitilde": "~", "asciicircum": "^"}
PRIVATE = 0xE000
"""Where characters of words wait that the converter would take for LaTeX or leave bare in its XML."""


@lru_cache(maxsize=256)
def mathml(latex: str) -> str | None:
    """A formula as MathML; None where it can't be set, so that it is shown as it is written.

    The converter escapes nothing and knows links, so what it gives is read and written anew.
    """
    import latex2mathml.converter

    for written, known in UNKNOWN_TO_THE_CONVERTER.items():
        latex = latex.replace(written, known)
    latex = TEXT.sub(lambda found: rf"\text{{{ESCAPED.sub(_put_by, found[1])}}}", latex)
    try:
        root = ElementTree.fromstring(latex2mathml.converter.convert(latex, display="block"))
    except Exception:  # the converter has no error of its own: whatever a formula sets off, it can't be set
        return None
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{MATHML}}}")
        if element.tag not in ELEMENTS or not all(map(VALUE.fullmatch, element.attrib.values())):
            return None
        if not ATTRIBUTES.issuperset(element.attrib) or "\\" in (element.text or ""):
            return None
        if element.tag == "mtext" and element.text:
            element.text = element.text.translate(PUT_BACK)
    root.set("xmlns", MATHML)
    return ElementTree.tostring(root, encoding="unicode")


PUT_BACK = {PRIVATE + ord(character): character for character in "\\~^{}$#%&_<>\"'"}


def _put_by(found: re.Match) -> str:
    return chr(PRIVATE + ord(WRITTEN_OUT.get(found[1]) or found[2] or found[3]))


@lru_cache(maxsize=256)
def formula_svg(latex: str) -> str | None:
    """A formula as an SVG of paths, which needs no font; None where it can't be set."""
    made = mathml(latex)
    if made is None:
        return None
    import ziamath

    try:
        return ziamath.Math(made.replace("0em 2em", "0em 1em"), size=15).svg()  # it has more room of its own
    except Exception:  # as above
        return None
