"""Reads the source of pages for text that reaches Streamlit's Markdown as people typed it.

A text for Markdown is safe when it is a literal, a constant in capitals, a number by its format, a call to a function
that is annotated `-> Markdown` (and then the function's own results are checked), or put together from such. Names are
followed to where they are bound within their function. What is not understood is refused: `plain`, `message` or `code`
of pages/parts/shared/text.py makes it safe.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

PAGES = Path(__file__).parents[1] / "pages"
SOURCES = sorted(PAGES.rglob("*.py"))
SCRIPTS = sorted(PAGES.rglob("*.js"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}

LABELLED = (
    "button checkbox date_input download_button expander file_uploader form_submit_button link_button multiselect"
)
LABELLED += " number_input page_link pills popover radio segmented_control select_slider selectbox slider status"
LABELLED += " text_area text_input time_input toggle"
TEXTS = "badge caption error header info markdown spinner subheader success table tabs title toast warning write"
SINKS = {name: ({0}, {"label", "help"}) for name in LABELLED.split()}
SINKS |= {name: ({0}, {"body", "text", "data", "help"}) for name in TEXTS.split()}
SINKS |= {
    "metric": ({0, 1, 2}, {"label", "value", "delta", "help"}),
    "progress": ({1}, {"text"}),
    "link_button": ({0, 1}, {"label", "url", "help"}),
    "toast": ({0}, {"body", "icon"}),
    "dialog": ({0}, set()),
    "image": ({1}, {"caption"}),
}
OPTIONS = {"pills", "segmented_control", "radio", "select_slider"}
"""Widgets whose options are Markdown; those of select boxes are text."""
COLUMNS = {"Column", "TextColumn", "NumberColumn", "DatetimeColumn", "ImageColumn", "LinkColumn"}
SILENT = {"App", "Page", "__file__", "cache_data", "cache_resource", "code", "column_config", "columns", "components"}
SILENT |= {"container", "context", "dataframe", "form", "fragment", "latex", "navigation", "query_params", "rerun"}
SILENT |= {"empty", "session_state", "set_page_config", "stop", "switch_page"}
"""What else pages use of Streamlit: it draws no text, or draws it as text. `latex` has formulas of problems' files,
which are code anyway."""
NUMBERS = {"len", "sum", "round", "int", "float", "range", "min", "max", "abs"}
OF_CORE = {"lambda_text", "known_state"}
"""Functions of core that make digits of numbers, or words of their own."""
ESCAPING = {"plain", "whole", "message", "described", "code", "_with_code"}
"""What makes text safe; the test below and the one in Chromium say whether it does."""
FORMAT = re.compile(r"[-+, ]?[\d.,]*[bcdeEfFgGnoxX%]|,")


def returns_markdown(function: ast.AST) -> bool:
    return isinstance(function, ast.FunctionDef) and "Markdown" in ast.unparse(function.returns or ast.Constant(""))


TRUSTED = OF_CORE | {n.name for tree in TREES.values() for n in ast.walk(tree) if returns_markdown(n)}
MARKDOWN_PARAMETERS = {
    node.name: [
        (place, argument.arg)
        for place, argument in enumerate(a for a in node.args.args + node.args.kwonlyargs if a.arg != "self")
        if argument.annotation is not None and "Markdown" in ast.unparse(argument.annotation)
    ]
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef)
}
"""Function → place and name of parameters that are Markdown: whoever calls it answers for what is in them."""


class Scope:
    """What names are bound to in a function, and in the module around it."""

    def __init__(self, tree: ast.Module):
        self.tree = tree
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.from_core = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core")
            for alias in node.names
        }

    def around(self, node: ast.AST) -> ast.AST:
        while not isinstance(node, ast.FunctionDef | ast.Module):
            node = self.parents[node]
        return node

    def bound(self, name: ast.Name) -> list[tuple[str, ast.AST]]:
        """(part, expression) of everything that the name can stand for: the `value` itself, or an `item`, a `key` or
        a `val` of a collection. Empty where that is not known."""
        function, result = self.around(name), []
        if isinstance(function, ast.FunctionDef):
            arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            for argument in arguments:
                if argument.arg == name.id:
                    annotated = ast.unparse(argument.annotation) if argument.annotation else ""
                    safe = re.fullmatch(r"(Markdown|int|float|bool)( \| (None|int|float))*", annotated)
                    return [("value", ast.Constant(0))] if safe else []
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    result += _matched(target, node.value, "value", name.id)
            elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
                result += _matched(node.target, node.value, "value", name.id)
            elif isinstance(node, ast.For | ast.comprehension):
                result += _matched(node.target, node.iter, "item", name.id)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name.id}.append":
                result.append(("items of", node.args[0]))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name.id}.insert":
                result.append(("items of", node.args[1]))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in (f"{name.id}.extend", f"{name.id}.update"):
                result.append(("value", node.args[0]))
        return result


def _matched(target: ast.AST, value: ast.AST, part: str, name: str) -> list[tuple[str, ast.AST]]:
    if isinstance(target, ast.Name):
        return [(part, value)] if target.id == name else []
    if not isinstance(target, ast.Tuple):
        return []
    called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
    if part == "item" and called.endswith(".items"):
        parts = [("key", value.func.value), ("val", value.func.value)]
    elif part == "item" and called == "zip":
        parts = [("item", argument) for argument in value.args]
    elif part == "item" and called == "enumerate":
        parts = [("value", ast.Constant(0)), ("item", value.args[0])]
    elif part == "value" and isinstance(value, ast.Tuple):
        parts = [("value", element) for element in value.elts]
    elif part == "value" and _capital(value):
        parts = [("value", value)] * len(target.elts)
    elif part == "item" and isinstance(value, ast.Tuple | ast.List):
        return [found for element in value.elts for found in _matched(target, element, "value", name)]
    else:
        parts = [("unknown", value)] * len(target.elts)
    return [found for t, (p, v) in zip(target.elts, parts, strict=True) for found in _matched(t, v, p, name)]


class Reader:
    """Whether expressions are safe as Markdown."""

    def __init__(self, scope: Scope):
        self.scope = scope
        self.following: set[tuple[str, str]] = set()

    def safe(self, node: ast.AST | None, part: str = "value") -> bool:
        """Whether a value, or a part of a collection (`item`, `key`, `val`), is safe."""
        if node is None or _capital(node):
            return True
        if isinstance(node, ast.Name):
            return self._name(node, part)
        if isinstance(node, ast.IfExp):
            return self.safe(node.body, part) and self.safe(node.orelse, part)
        if isinstance(node, ast.BoolOp):
            return all(self.safe(value, part) for value in node.values)
        if isinstance(node, ast.NamedExpr):
            return self.safe(node.value, part)
        if isinstance(node, ast.Starred):
            return self.safe(node.value, "item")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr | ast.Mult):
            sides = self.safe(node.left, part) and self.safe(node.right, part)
            return sides or (isinstance(node.op, ast.Mult) and self.safe(node.left, part)) or _number(node)
        return self._value(node) if part == "value" else self._part(node, part)

    def _value(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Constant | ast.Compare) or _number(node):
            return True
        if isinstance(node, ast.JoinedStr):
            return all(isinstance(p, ast.Constant) or _numeric(p) or self.safe(p.value) for p in node.values)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in TRUSTED | NUMBERS:
                return True
            if name == "join":
                return self.safe(node.func.value) and self.safe(node.args[0], "item")
            if name == "get" and _capital(node.func.value):
                return all(self.safe(argument) for argument in node.args[1:])
        # a collection that is given as it is: a table's columns, a list of tabs
        collections = ast.Dict | ast.List | ast.Tuple | ast.ListComp | ast.DictComp | ast.GeneratorExp
        return (
            isinstance(node, collections)
            and self.safe(node, "item")
            and (not isinstance(node, ast.Dict | ast.DictComp) or self.safe(node, "val"))
        )

    def _part(self, node: ast.AST, part: str) -> bool:
        if isinstance(node, ast.Dict):
            if part == "val":
                return all(self.safe(value) for value in node.values)
            return all(key is None or self.safe(key) for key in node.keys)
        if isinstance(node, ast.DictComp):
            return self.safe(node.value if part == "val" else node.key)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return all(self.safe(element) for element in node.elts)
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            return self.safe(node.elt)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in ("list", "sorted", "tuple", "set", "filter", "fromkeys"):
                return self.safe(node.args[-1 if name == "filter" else 0], "item")
            return name == "range"
        return False

    def _name(self, node: ast.Name, part: str) -> bool:
        if (key := (node.id, part)) in self.following:
            return True  # bound to itself and something else, which is read as well
        self.following.add(key)
        bound = self.scope.bound(node)
        result = bool(bound) and all(
            self.safe(value, part if kind == "value" else "value") if kind in ("value", "items of")
            else part == "value" and self.safe(value, kind)
            for kind, value in bound
        )  # fmt: skip
        self.following.discard(key)
        return result


def _capital(node: ast.AST) -> bool:
    """A constant in capitals, or an entry of one."""
    if isinstance(node, ast.Subscript):
        return _capital(node.value)
    return isinstance(node, ast.Name) and node.id.isupper()


def _number(node: ast.AST) -> bool:
    """Arithmetic with a number that is written there, or anything but a sum and a product."""
    if not isinstance(node, ast.BinOp):
        return False
    sides = [side for side in (node.left, node.right) if isinstance(side, ast.Constant)]
    return isinstance(node.op, ast.Sub | ast.Div) or any(isinstance(side.value, int | float) for side in sides)


def _numeric(part: ast.FormattedValue) -> bool:
    """A value that is formatted as a number: text would be an error there."""
    spec = part.format_spec
    return spec is not None and FORMAT.fullmatch("".join(getattr(p, "value", "0") for p in spec.values)) is not None


def unsafe(tree: ast.Module) -> list[str]:
    """Texts that reach Markdown without having been made safe, each with its line."""
    scope = Scope(tree)
    found = []

    def check(node: ast.AST, what: str) -> None:
        if not Reader(scope).safe(node):
            found.append(f"{node.lineno}: {what}: {ast.unparse(node)}")

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
            if node.attr not in SINKS.keys() | SILENT:
                found.append(f"{node.lineno}: st.{node.attr} is new here: say in this test whether it draws Markdown")
            call = scope.parents[node]
            if node.attr in SINKS and not (isinstance(call, ast.Call) and call.func is node):
                found.append(f"{node.lineno}: st.{node.attr} is passed on, so nobody sees with what it is called")
        if isinstance(node, ast.ImportFrom) and node.module == "streamlit":
            found.append(
                f"{node.lineno}: names out of streamlit are called as st.{node.names[0].name}, to be seen here"
            )
        if isinstance(node, ast.Call) and ast.unparse(node).startswith("getattr(st,"):
            found.append(f"{node.lineno}: {ast.unparse(node)} may be anything")
        if returns_markdown(node):
            results = [r for r in ast.walk(node) if isinstance(r, ast.Return) and scope.around(r) is node]
            for result in results if node.name not in ESCAPING else ():
                check(result.value, f"{node.name} returns Markdown")
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            for place, parameter in MARKDOWN_PARAMETERS.get(called, ()):
                if parameter in given or place < len(node.args):
                    check(given.get(parameter) or node.args[place], f"{called}({parameter}=)")
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, receiver = node.func.attr, node.func.value
        if isinstance(receiver, ast.Name) and receiver.id in scope.from_core:
            continue
        places, keywords = SINKS.get(name, (set(), {"help"} if name in COLUMNS else set()))
        if name in SINKS and None in given:
            bound = scope.bound(given[None]) if isinstance(given[None], ast.Name) else []
            if len(bound) == 1 and isinstance(bound[0][1], ast.Dict):
                given |= {ast.literal_eval(k): v for k, v in zip(bound[0][1].keys, bound[0][1].values, strict=True)}
            else:
                found.append(f"{node.lineno}: {name} is given {ast.unparse(given[None])}, of which nothing is known")
        for k in places & set(range(len(node.args))):
            check(node.args[k], name)
        for keyword in keywords & given.keys():
            check(given[keyword], f"{name}({keyword}=)")
        if name in OPTIONS and len(node.args) > 1 and isinstance(receiver, ast.Name):
            shown = given.get("format_func")
            if isinstance(shown, ast.Lambda):
                check(shown.body, f"{name}(format_func=)")
            elif shown is None:
                check(ast.List(elts=[ast.Starred(node.args[1])], lineno=node.lineno), f"{name}'s options")
            elif ast.unparse(shown).removesuffix(".get").rpartition(".")[2] not in TRUSTED and not _capital(
                getattr(shown, "value", shown)
            ):
                found.append(f"{node.lineno}: {name}(format_func=): {ast.unparse(shown)}")
    return found
