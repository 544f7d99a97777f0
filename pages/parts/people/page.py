"""The page of those who are not let in: why, and where to sign in. It needs no file of the server and no script."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

ICON = Path(__file__).parents[1].joinpath("icon.svg").read_text(encoding="utf-8")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Singularity Lab</title>
<style>
:root {{ color-scheme: light dark; --text: #14202b; --soft: #4d5c68; --back: #fff; --box: #f4f6f7; --line: #d9e0e4;
  --main: #0f766e; --on: #fff; }}
@media (prefers-color-scheme: dark) {{ :root {{ --text: #e3e9ee; --soft: #a3b1bc; --back: #0f151b; --box: #182028;
  --line: #2b3640; --main: #2dd4bf; --on: #06201d; }} }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
  font: 15px/1.5 "Source Sans", "Segoe UI", Arial, sans-serif; }}
main {{ box-sizing: border-box; width: min(26rem, calc(100vw - 2rem)); padding: 2rem; background: var(--box);
  border: 1px solid var(--line); border-radius: 6px; }}
svg {{ width: 40px; height: 40px; }}
h1 {{ margin: .75rem 0 .5rem; font-size: 1.4rem; }}
p {{ margin: 0 0 1.25rem; color: var(--soft); }}
a {{ display: inline-block; padding: .5rem 1rem; border: 1px solid var(--main); border-radius: 6px; color: var(--main);
  text-decoration: none; font-weight: 600; }}
a.first {{ background: var(--main); color: var(--on); }}
a:focus-visible {{ outline: 2px solid var(--text); outline-offset: 2px; }}
a + a {{ margin-left: .5rem; }}
</style></head>
<body><main>{icon}<h1>Singularity Lab</h1><p role="status">{why}</p>{ways}</main></body></html>"""


def sign_in_page(why: str, place: str, *, again: bool, signed_in: bool) -> bytes:
    """The page.

    Args:
        why: one is not let in, in a sentence or two.
        place: path and query that were asked for.
        again: whether signing in would help.
        signed_in: whether there is an account to sign out of.
    """
    words = "Sign in again" if signed_in else "Sign in"
    ways = f'<a class="first" href="/sign-in?to={quote(place, safe="")}">{words}</a>' if again else ""
    if signed_in and not again:
        ways = '<a class="first" href="/auth/logout">Sign out</a>'
    icon = ICON[ICON.index("<svg") :]
    return PAGE.format(icon=icon, why=escape(why), ways=ways).encode()
