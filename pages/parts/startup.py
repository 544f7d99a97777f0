"""What the server needs before its first page, once."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import streamlit as st

from pages.parts.assets import ensure_static
from pages.parts.shared.visitor import name_visitors

ICON = str(Path(__file__).with_name("icon.svg"))
"""The tab's icon: a file, since Streamlit fetches its named icons from the internet."""


@st.cache_resource(show_spinner=False)
def prepare() -> None:
    """Environment and static files, and heavy imports in the background once the first page is painted."""
    # vtk looks for an X server unless told otherwise, and segfaults on a machine without one
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    ensure_static()
    name_visitors()
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    """Import mlflow after the first paint, so that the first launch or comparison need not wait for it."""
    time.sleep(4)
    from core.errors import StoreError
    from core.tracking import store

    try:
        store.client()
    except StoreError:
        return  # the page that needs the store will say so, with the reason
