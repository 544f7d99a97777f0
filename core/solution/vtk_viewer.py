"""VTK's own viewer for browsers, the same in every page of a scene, as its package has it; imports nothing of vtk."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

OPENED = '<script type="module">'
"""What stands before it in a page."""


def viewer_script() -> str:
    """The viewer as one JavaScript module."""
    package = Path(find_spec("trame_vtk").origin).parent
    page = (package / "tools" / "static_viewer.html").read_text(encoding="utf-8")
    return without_fetching(page.partition(OPENED)[2].partition("</script>")[0])


def without_fetching(text: str) -> str:
    """The viewer without an icon that it would fetch for a tab it never has."""
    return text.replace("https://kitware.github.io/vtk-js/icon/favicon-", "data:,")
