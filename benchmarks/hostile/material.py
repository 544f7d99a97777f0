"""What inputs are made hostile with: texts, values, damage to bytes. The same at every call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

SCRIPTS = (
    "<script>window.hostile = 1</script>",
    '"><img src=x onerror="window.hostile = 1">',
    "'><svg onload=window.hostile=1>",
    "javascript:window.hostile=1",
    "<iframe srcdoc='<script>parent.hostile=1</script>'>",
    "</style><script>window.hostile=1</script>",
    "{{constructor.constructor('window.hostile=1')()}}",
)
MARKUP = (
    "![x](http://hostile.example/picture.png)",
    "[here](http://hostile.example/)",
    "http://hostile.example/x and www.hostile.example",
    ":red[alarm] :material/warning: :smile:",
    "$\\foo$ and $x_$",
    "u*v*w _a_ **b** ~~c~~ `d`",
    "# heading",
    "- item\n- item",
    "> quote",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "<b>bold</b> &amp; &#x3c;",
    "    code",
    "a -> b -- c <- d",
    '<a href="http://hostile.example/">link</a>',
)
SHAPES = (
    "",
    " ",
    "  two  blanks  ",
    "\n",
    "line\nline",
    "tab\tbed",
    "\x1b[31mred\x1b[0m",
    "bell\x07",
    "nul\x00byte",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "e\u0301 \u00e9",
    "Taylor\u2013Green",
    "\u2207\u00b7u",
    "momentum(x)",
    "\U0001f600" * 20,
    "\u0661\u0662\u0663",
    "a" * 300,
    "a b c",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "CON",
    "a;b|c&d",
    "$(touch /tmp/hostile)",
    "`id`",
    "%s %d {0} {x.__class__}",
    "=1+1",
    "@SUM(A1)",
    "'; DROP TABLE runs; --",
    "u&v",
    "<w>",
    '"quoted"',
    "\ufeffbom",
    "\ufffd",
    "loss",
    "residual",
    "step",
    "lambda",
)
NUMBERLIKE = (
    "7e12345",
    "4e92812",
    "2.1",
    "2.10",
    "007",
    "7",
    "0012345",
    "12345",
    "12345678901234567890",
    "12345678901234567891",
    "1_000",
    "1000",
    "0x10",
    "16",
    "nan",
    "NaN",
    "inf",
    "Infinity",
    "-0",
    "0",
    "1.0",
    "1",
    "1e3",
    "true",
    "True",
    "None",
    " 1",
    "+1",
)
TEXTS = (*SCRIPTS, *MARKUP, *SHAPES, *NUMBERLIKE)

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**400,
    -(10**400),
    0.5,
    -0.0,
    1e-320,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    " ",
    "auto",
    "1e5",
    "007",
    "nan",
    "x" * 100_000,
    "a\nb",
    "\x1b[2J",
    "<img src=x onerror=alert(1)>",
    [],
    {},
    [[]],
    [None],
    [1, "a", None],
    {"kind": "nothing"},
    {"kind": None},
    {"": 1},
    {"a": {"b": {"c": {}}}},
    list(range(1000)),
    "2026-01-01",
)


def nested(depth: int, kind: str) -> str:
    """JSON nested so deeply."""
    return "[" * depth + "]" * depth if kind == "list" else '{"a":' * depth + "1" + "}" * depth


def bombs() -> Iterator[tuple[str, str]]:
    """(label, YAML text) that grows, repeats or refers to itself when read."""
    merge = "a: &a {x: 1, y: 2}\n"
    for k in range(1, 12):
        names = ", ".join(f"*{chr(96 + k)}" for _ in range(9))
        merge += f"{chr(97 + k)}: &{chr(97 + k)} {{<<: [{names}]}}\n"
        yield f"merge keys, {k} levels", merge
    alias = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for k in range(1, 12):
        names = ", ".join([f"*{chr(96 + k)}"] * 9)
        alias += f"{chr(97 + k)}: &{chr(97 + k)} [{names}]\n"
        yield f"aliases, {k} levels", alias
    yield "a list in itself", "a: &a [*a]\n"
    yield "a mapping in itself", "&a {problem: *a}\n"
    for depth in (10, 100, 1000, 10_000, 100_000):
        yield f"lists {depth} deep", nested(depth, "list")
        yield f"mappings {depth} deep", nested(depth, "mapping")
        yield f"YAML sequences {depth} deep", "- " * depth + "x"
    for tag in ("python/object/apply:os.system [ls]", "python/name:os.system", "binary x", "set {a}", "timestamp 1"):
        yield f"tag !!{tag}", f"problem: !!{tag}\n"
    for key in ("seed: 1\nseed: 2", "problem: {kind: poisson2d}\nproblem: {kind: wave}", '{"seed": 1, "seed": 2}'):
        yield f"a key twice, {key[:8]}", key
    yield "several documents", "seed: 1\n---\nseed: 2\n"
    yield "a key that is a list", "? [a, b]\n: 1\n"
    yield "a key that is a mapping", "? {a: b}\n: 1\n"
    yield "a version of 400 digits", "version: " + "9" * 400
    yield "a number of 100,000 digits", "seed: " + "9" * 100_000
    yield "an exponent", "seed: 1e999999999"
    yield "a hexadecimal bomb", "seed: 0x" + "f" * 100_000
    yield "base 60", "seed: 1:" + ":".join(["59"] * 1000)
    yield "JSON's NaN", '{"problem": {"kind": "poisson2d"}, "seed": NaN}'
    yield "JSON's Infinity", '{"problem": {"kind": "poisson2d"}, "seed": -Infinity}'
    yield "anchors", "".join(f"a{k}: &a{k} x\n" for k in range(5000))
    yield "half a megabyte of blanks", " " * 500_000
    yield "two megabytes", "x: " + "y" * 2_000_000
    yield "a tab", "problem:\n\tkind: poisson2d\n"


def damaged(data: bytes, seed: int, times: int) -> Iterator[tuple[str, bytes]]:
    """(label, bytes) of damage that disks, mail programs and people do to a file."""
    rng = np.random.default_rng(seed)
    n = len(data)
    yield "empty", b""
    yield "one byte", data[:1]
    yield "half", data[: n // 2]
    yield "7 bytes short", data[: max(0, n - 7)]
    yield "1 byte short", data[: n - 1]
    yield "twice", data + data
    yield "a tail of zeros", data + bytes(4096)
    yield "all zeros", bytes(n)
    yield "first kilobyte zero", bytes(min(n, 1024)) + data[1024:]
    yield "last kilobyte zero", data[: max(0, n - 1024)] + bytes(min(n, 1024))
    yield "a text", b"this is something else\n"
    yield "HTML", b"<html><body>404 Not Found</body></html>"
    yield "a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    yield "newlines changed", data.replace(b"\n", b"\r\n")
    for k in range(times):
        at = int(rng.integers(n)) if n else 0
        broken = bytearray(data or b"\0")
        broken[min(at, len(broken) - 1)] ^= 1 << int(rng.integers(8))
        yield f"bit flipped at {at}", bytes(broken)
        if k % 3 == 0:
            yield f"cut at {at}", data[:at]
        if k % 5 == 0:
            length = int(rng.integers(1, 200))
            yield f"{length} bytes lost at {at}", data[:at] + data[at + length :]


def other_json() -> Iterator[tuple[str, bytes]]:
    """(label, bytes) of JSON files that hold something else than was written."""
    for value in VALUES:
        if isinstance(value, int) and abs(value) > 10**100:
            continue
        yield f"JSON {str(value)[:20]!r}", json.dumps(value).encode()
    for key in ("state", "reason", "attempt", "iteration", "max_residual", "lambda", "holds", "version", "problem"):
        for value in (None, -1, "x", [], {}, 1e400):
            yield f"JSON {{{key}: {value!r}}}", json.dumps({key: value}).encode()
    for depth in (100, 1000, 100_000):
        yield f"JSON {depth} deep", nested(depth, "list").encode()
        yield f"JSON objects {depth} deep", nested(depth, "mapping").encode()
    yield "JSON of 400 digits", b'{"attempt": ' + b"9" * 400 + b"}"
    yield "JSON of 10,000 digits", b'{"attempt": ' + b"9" * 10_000 + b"}"
    yield "JSON in UTF-16", '{"state": "finished"}'.encode("utf-16")
    yield "JSON with a surrogate", b'{"state": "\\ud800"}'
