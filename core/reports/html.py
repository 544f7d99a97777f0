"""A report as one HTML file: live figures, equations in MathML, nothing fetched from anywhere.

All texts go through `_text`, and a content security policy lets run only the two scripts that are known by their hash:
a report is opened in a browser, and names and notes in it were typed by people.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import json
from functools import cache
from html import escape
from pathlib import Path

from core.errors import LabError
from core.reports.blocks import Block, Code, Field, Figure, Folded, Formula, Report, Section, Table, Words
from core.reports.formulas import mathml
from core.reports.plotly_figure import plotly_figure

ASSETS = Path(__file__).parent / "assets"


def html_bytes(report: Report) -> bytes:
    """The whole file, UTF-8. Raises LabError where plotly.js is not installed."""
    script, style = _asset("report.js"), _asset("report.css")
    figures = bool(report.figures())
    allowed = " ".join(_hash(text) for text in (script, *([_plotly()] if figures else [])))
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    sections = [(f"s{k}", section) for k, section in enumerate(report.sections)]
    body = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_text(report.title)}</title><style>{style}</style></head><body><main>",
        _header(report),
        f'<h1>{_text(report.title)}</h1><p class="subtitle">{_text(report.subtitle)}</p>',
        "<nav>",
        *(_link(report, key, section) for key, section in sections),
        "</nav>",
        *(_section(key, section) for key, section in sections),
        "</main>",
        f'<script type="text/plain" id="plotly">{_packed()}</script>' if figures else "",
        f"<script>{script}</script></body></html>",
    ]
    return "\n".join(body).encode("utf-8", "replace")


def _text(text: str) -> str:
    """The one door of all texts."""
    return escape(text, quote=True)


def _header(report: Report) -> str:
    logo = ""
    if report.logo:
        data = base64.b64encode(report.logo.data).decode()
        logo = f'<img alt="" src="data:image/{report.logo.kind};base64,{data}">'
    lab = f"<span>{_text(report.lab)}</span>" if report.lab else ""
    return f'<header>{logo}{lab}<span class="made">{_text(report.made)}</span></header>'


def _link(report: Report, key: str, section: Section) -> str:
    if section.depth == 2 and any(other.depth == 1 for other in report.sections):
        return ""  # a report about several runs has links to runs
    return f'<a href="#{key}">{_text(section.title)}</a>'


def _section(key: str, section: Section) -> str:
    tag = f"h{section.depth + 1}"
    return f'<section id="{key}"><{tag}>{_text(section.title)}</{tag}>{_blocks(section.blocks)}</section>'


def _blocks(blocks: tuple[Block, ...]) -> str:
    return "\n".join(map(_block, blocks))


def _block(block: Block) -> str:
    if isinstance(block, Words):
        kind = "" if block.kind == "plain" else f' class="{block.kind}"'
        return f"<p{kind}>{_text(block.text)}</p>"
    if isinstance(block, Formula):
        made = mathml(block.latex)
        return f'<div class="formula">{made}</div>' if made else f"<pre>{_text(block.latex)}</pre>"
    if isinstance(block, Code):
        return f"<pre><code>{_text(block.text)}</code></pre>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Folded):
        return f"<details><summary>{_text(block.title)}</summary>{_blocks(block.blocks)}</details>"
    return _figure(block)


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        kinds = [" class=number" if k in table.numbers else "" for k in range(len(cells))]
        inner = (f"<{tag}{kind}>{_text(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    head = f"<thead>{row(table.head, 'th')}</thead>" if any(table.head) else ""
    kind = "" if head else ' class="pairs"'
    body = "".join(row(cells, "td") for cells in table.rows)
    return f'<div class="wide"><table{kind}>{head}<tbody>{body}</tbody></table></div>'


def _figure(figure: Figure) -> str:
    data = json.dumps(plotly_figure(figure), separators=(",", ":")).replace("<", "\\u003c")
    kind = "plot field" if isinstance(figure, Field) else "plot"
    note = f'<p class="note">{_text(figure.note)}</p>' if figure.note else ""
    return (
        f'<figure><figcaption>{_text(figure.title)}</figcaption><div class="{kind}"></div>'
        f'<script type="application/json">{data}</script>{note}</figure>'
    )


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """plotly.js as the package of that name carries it; found without importing it, which takes a second."""
    found = importlib.util.find_spec("plotly")
    path = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None
    if path is None or not path.is_file():
        raise LabError("plotly.js is not installed, and a report in HTML draws with it: pip install plotly.")
    return path.read_text(encoding="utf-8")


@cache
def _packed() -> str:
    """The same, packed: 2 MB in the place of 5."""
    return base64.b64encode(gzip.compress(_plotly().encode(), 6, mtime=0)).decode()


def _hash(script: str) -> str:
    """How a content security policy names a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
