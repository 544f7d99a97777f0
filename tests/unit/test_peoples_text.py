"""Nobody's text becomes markup: in the source of every page, and in what `plain` and its like make of it."""

from __future__ import annotations

import ast
import json

import plotly.graph_objects as go
import pytest

from pages.parts.shared.live_plotly import as_json
from pages.parts.shared.text import LONGEST, LONGEST_MESSAGE, code, described, message, plain, visible, whole
from tests.markdown_source import PAGES, SCRIPTS, SOURCES, TREES, unsafe


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PAGES)))
def test_no_text_reaches_markdown_as_it_is(path):
    assert unsafe(TREES[path]) == []


@pytest.mark.parametrize("path", [*SOURCES, *SCRIPTS], ids=lambda path: str(path.relative_to(PAGES)))
def test_no_page_makes_html_of_strings(path):
    text = path.read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc", "unsafe_allow_html",
                 "unsafe_allow_javascript", "st.html", "st.iframe", "components.v1", "eval("):  # fmt: skip
        assert word not in text, word
    for word, door in (("to_json", "live_plotly"), ("plotly_chart", "live_plotly"), ("st.dataframe(", "data_table")):
        assert word not in text or path.stem == door, f"{word} is {door}'s, which takes care of people's text"


@pytest.mark.parametrize(
    "line",
    [
        "st.error(str(error))",
        "st.caption(name)",
        "st.markdown(f'### {name}')",
        "left.button(name + '!')",
        "st.metric('λ', value)",
        "st.toggle('on', help=description)",
        "st.pills('x', names)",
        "st.pills('x', names, format_func=lambda name: f'{name}!')",
        "st.pills('x', names, format_func=titles.get)",
        "st.table({'a': [name], name: ['b']})",
        "st.caption(', '.join(names))",
        "st.progress(0.5, text=words)",
        "st.tabs([name])",
        "title = name if name else 'none'\nst.header(title)",
        "for name in names:\n    st.caption(name)",
        "parts = ['a']\nparts.append(name)\nst.caption(' '.join(parts))",
        "def word(x) -> Markdown:\n    return f'*{x}*'",
        "show = {1: st.error}",
        "st.chat_message(name)",
        "st.markdown(**given)",
        "given = {'help': name}\nst.button('x', **given)",
        "getattr(st, 'markdown')(name)",
        "from streamlit import caption\ncaption(name)",
        "st.link_button('x', url)",
        "parts = ['a']\nparts.extend(names)\nst.caption(' '.join(parts))",
        "parts = ['a']\nparts.insert(0, name)\nst.caption(' '.join(parts))",
    ],
)
def test_what_is_not_safe_is_found(line):
    assert unsafe(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "st.caption('literal')",
        "st.caption(f'{count:,} runs, {share:.0%}, {a + 1} of {len(b)}')",
        "st.error(message(error))",
        "title = plain(name) if name else 'none'\nst.header(title)",
        "for name, age in {'a': 1}.items():\n    st.caption(name)",
        "st.pills('x', names, format_func=plain)",
        "given = {'help': 'a', 'width': wide}\nst.button('x', **given)",
        "st.selectbox('x', names, format_func=titles.get)",
        "st.table({'a': [plain(name) for name in names]})",
        "def word(x: Markdown) -> Markdown:\n    return f'*{x}*'",
        "st.caption(LABELS.get(key, plain(key)) + 's' * (many > 1))",
    ],
)
def test_what_is_safe_is_let_through(line):
    assert unsafe(ast.parse(line)) == []


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("u*v*w", r"u\*v\*w"),
        ("nu=0.01, lr=1e-3", "nu=0.01, lr=1e-3"),
        ("![x](http://evil.example/i.png)", r"!\[x\](http\::color[]//evil.example/i.png)"),
        ("<img src=x onerror=f()>", r"\<img src=x onerror=f()\>"),
        (":smile:", r"\::color[]smile\:"),
        ("a@b.org www.c.org", r"a:color[]\@b.org www:color[].c.org"),
        ("a -> b", r"a -:color[]\> b"),
        ("- one", r"\- one"),
        ("12. twelve", r"12\. twelve"),
        ("one\n# two", r"one\\n\# two"),
        ("txt\u202egnp", r"txt\\u202egnp"),
        ("\x1b[31m", r"\\x1b\[31m"),
        ("a  b", "a\u00a0\u00a0b"),
        ("\ud800", r"\\ud800"),
        ("Taylor–Green, 👩‍🔬", "Taylor–Green, 👩‍🔬"),
    ],
)
def test_plain_text_is_shown_as_typed(typed, shown):
    assert plain(typed) == shown


def test_long_text_is_cut_and_whole_in_its_tooltip():
    name = "n" * 5000
    assert plain(name, LONGEST) == "n" * (LONGEST - 1) + "…"
    assert whole(name).startswith("n" * 1000)
    assert len(message(name)) < LONGEST_MESSAGE + 10
    assert whole("short") is None


def test_messages_keep_their_lines_and_only_our_commands_are_code():
    assert message("What `x` is\n\n# heading\nTry `python -m core status`.") == (
        "What \\`x\\` is  \n\\# heading  \nTry `python -m core status`."
    )
    assert described("`auto`: float64, u_t") == "`auto`: float64, u\\_t".replace(": float", "\\: float")
    assert described(None) is None


@pytest.mark.parametrize(("typed", "shown"), [("a`b", "``a`b``"), ("`a", "`` `a ``"), ("", ""), ("x\ny", r"`x\ny`")])
def test_code_keeps_its_backticks(typed, shown):
    assert code(typed) == shown


def test_hidden_characters_are_named():
    assert visible("a\u200bb\u2066\x07\x85") == r"a\u200bb\u2066\x07\x85"
    assert visible("👩‍🔬") == "👩‍🔬"


def test_ticks_of_parallel_coordinates_are_written_as_they_are():
    dimension = {"label": "<b>a", "values": [0, 1], "tickvals": [0, 1], "ticktext": ["<b>", "b\n"]}
    (drawn,) = json.loads(as_json(go.Figure(go.Parcoords(dimensions=[dimension]))))["data"][0]["dimensions"]
    assert drawn["label"] == "&lt;b&gt;a"
    assert drawn["ticktext"] == ["<b>", r"b\n"]


def test_figures_show_text_and_no_markup():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name="<a href='http://x'>u</a>", text=["<b>&amp;", "plain"]))
    figure.update_layout(xaxis={"title": {"text": "a<br>b"}, "ticktext": ["<i>"]}, yaxis_title="<sub>y")
    figure.add_annotation(text="<span style='font-size:99px'>")
    figure.update_traces(hovertemplate="%{text}<br>%{y}")
    figure.update_layout(scene={"zaxis": {"title": {"text": "<b>z"}}})
    drawn = json.loads(as_json(figure))
    trace, layout = drawn["data"][0], drawn["layout"]
    assert trace["name"] == "&lt;a href='http://x'&gt;u&lt;/a&gt;"
    assert trace["text"] == ["&lt;b&gt;&amp;amp;", "plain"]
    assert trace["hovertemplate"] == "%{text}<br>%{y}", "templates are ours"
    assert layout["xaxis"]["title"]["text"] == "a&lt;br&gt;b"
    assert layout["xaxis"]["ticktext"] == ["&lt;i&gt;"]
    assert layout["yaxis"]["title"]["text"] == "&lt;sub&gt;y"
    assert layout["scene"]["zaxis"]["title"]["text"] == "<\u200bb>z", "a canvas, without entities"
    assert layout["annotations"][0]["text"].startswith("&lt;span")
