"""The browser's files from memory.

Streamlit's front end is over a hundred small modules. Its server opens, hashes and streams each of them through several
layers, and the browser learns of a widget's modules only when the first widget of that kind arrives: together two
seconds before a page is usable on two cores. Here the files are read once, answered in one step, and the page names the
modules of the widgets that this app uses in its head, so that they load beside the rest.
"""

from __future__ import annotations

import mimetypes
import re
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from starlette.types import ASGIApp, Receive, Scope, Send

from core.home import SOURCE
from core.solution.vtk_viewer import viewer_script

STREAMLIT = Path(st.__file__).parent / "static"
APP = SOURCE / "static"
PLOTLY = Path(find_spec("plotly").origin).parent / "package_data" / "plotly.min.js"
VIEWER = "vtk-viewer.js"

WIDGETS = (
    "BidiComponent",
    "Button",
    "ButtonGroup",
    "DataFrame",
    "DownloadButton",
    "Multiselect",
    "Selectbox",
    "Slider",
    "TextInput",
)
FOREVER = b"public, immutable, max-age=31536000"  # their address changes with their content
CHECKED = b"no-cache"
PAGE = re.compile(r"/(?!oauth2callback$)[a-z0-9-]*")
"""Addresses of pages; the other one without a further part is where Streamlit takes a sign-in in."""
BACKEND = '<script>window.__streamlit = {BACKEND_BASE_URL: new URL("./", location.href).href};</script>'
"""Where the server is, as the page's own files are found. Without it Streamlit's front end looks below each page's
address first, and begins only after an answer that there is nothing."""
EARLY = """<script>{
  const ask = (path) => fetch(new URL(path, location.href), {cache: "no-store"}).catch(() => null);
  const given = new URLSearchParams(location.search), run = given.get("run");
  if (/\\/watch$/.test(location.pathname)) window.singularityLabEarly = new Map([["live/board", ask("./live/board")]]);
  if (/\\/solution$/.test(location.pathname) && run && !given.has("checkpoint") && !given.has("stages")) {
    const how = [...given].filter(([name]) => /^(view$|n-)/.test(name));
    ask(`./live/run/${encodeURIComponent(run)}/ahead?${new URLSearchParams(how)}`);
  }
}</script>"""
"""Asks for what comes slowest while the page's modules load: Watch's list, for `live/source.js`, and the sample of a
solution."""
BACK = """<script>{
  const here = () => location.pathname + location.search;
  let last = here();
  for (const name of ["pushState", "replaceState"]) {
    const plain = history[name];
    history[name] = function (...given) {
      const to = new URL(given[2] ?? location.href, location.href);
      if (name === "pushState" && to.pathname === location.pathname && !to.search && location.search) return;
      plain.apply(this, given);
      last = here();
    };
  }
  addEventListener("popstate", (event) => {
    const moved = here() !== last;
    last = here();
    if (!moved || !location.search) return;
    event.stopImmediatePropagation();
    location.reload();
  });
}</script>"""
"""Back and forward show what the address says. Streamlit's front end goes to the page and forgets which run and view;
and before it leaves a page, it adds the page's address without them."""
IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.~$-]+\.js)["']""")


class Assets:
    """ASGI middleware that answers for static files; everything else goes on to Streamlit."""

    def __init__(self, app: ASGIApp):
        self._app = app
        self._answers: dict[str, tuple[bytes, list[tuple[bytes, bytes]]]] = {}
        self._index = _answer(_with_preloads(STREAMLIT / "index.html"), "index.html", CHECKED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self._answer(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        body, headers = answer
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[bytes, list[tuple[bytes, bytes]]] | None:
        if PAGE.fullmatch(path):
            return self._index
        if path in self._answers:
            return self._answers[path]
        for prefix, folder, cached in (("/static/", STREAMLIT / "static", FOREVER), ("/app/static/", APP, FOREVER)):
            name = path.removeprefix(prefix)
            if name == path:
                continue
            file = (folder / name).resolve()
            if file.is_relative_to(folder) and file.is_file():
                self._answers[path] = _answer(file.read_bytes(), file.name, cached)
                return self._answers[path]
        return None


def ensure_static() -> None:
    """Put what wheels have for browsers into the folder that Streamlit serves the app's files from.

    plotly.js, and the viewer of VTK's scenes; what is there already stays.
    """
    APP.mkdir(exist_ok=True)
    for served, content in ((APP / PLOTLY.name, PLOTLY.read_bytes()), (APP / VIEWER, viewer_script().encode())):
        if not served.exists() or served.read_bytes() != content:
            temporary = served.with_suffix(".tmp")
            temporary.write_bytes(content)
            temporary.replace(served)


def _answer(body: bytes, name: str, cached: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kind += "; charset=utf-8" if kind.startswith("text/") or kind.endswith("javascript") else ""
    return body, [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", cached),
        (b"x-content-type-options", b"nosniff"),
    ]


def _with_preloads(index: Path) -> bytes:
    """Streamlit's page with the server's address and the modules of this app's widgets named in its head."""
    scripts = index.parent / "static" / "js"
    names = [path.name for path in scripts.glob("*.js")]
    wanted = [name for name in names if name.partition(".")[0] in WIDGETS]
    found: dict[str, None] = {}
    while wanted:
        name = wanted.pop()
        if name in found or not (scripts / name).is_file():
            continue
        found[name] = None
        wanted += IMPORT.findall((scripts / name).read_text(encoding="utf-8"))
    text = index.read_text(encoding="utf-8")
    links = "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in found if name not in text
    )
    return text.replace("<head>", f"<head>{BACKEND}{BACK}{EARLY}", 1).replace("</head>", f"{links}</head>", 1).encode()
