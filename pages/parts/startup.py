"""What the server needs before its first page, once."""

from __future__ import annotations

import gc
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import streamlit as st

from core.jobs import warm
from pages.parts.assets import ensure_static
from pages.parts.shared.visitor import name_visitors

ICON = str(Path(__file__).with_name("icon.svg"))
"""The tab's icon: a file, since Streamlit fetches its named icons from the internet."""

AFTER_PAINT_S = 4.0
"""So long after the first page is asked for heavy imports begin; it is painted then."""

_ready = threading.Event()
"""The first page is painted, and mlflow imported."""


def prepare() -> None:
    """All of it; called with each run of a page's script, so that a launch is expected where somebody is here."""
    name_visitors()
    _prepare_once()
    if _ready.is_set():
        warm.expect_launch()


@st.cache_resource(show_spinner=False)
def _prepare_once() -> None:
    """Environment and static files, and heavy imports in the background once the first page is painted."""
    # vtk looks for an X server unless told otherwise, and segfaults on a machine without one
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    ensure_static()
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    """Import mlflow after the first paint, so that the first launch or comparison need not wait for it."""
    time.sleep(AFTER_PAINT_S)
    from core.errors import StoreError
    from core.tracking import store

    with suppress(StoreError):  # the page that needs the store will say so, with the reason
        store.client()
    gc.collect()
    gc.freeze()  # what was imported stays: no collection, which all sessions wait for, looks through it again
    _ready.set()
    warm.expect_launch()
