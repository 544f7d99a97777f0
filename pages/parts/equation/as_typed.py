"""What is typed reaches the page after a pause of half a second, as if by Enter; and long formulas scroll."""

from __future__ import annotations

import streamlit as st

PAUSE_MS = 500

_SCRIPT = """
export default function () {
  let waiting;
  const typed = (event) => {
    const field = event.target;
    if (!field.matches?.(".st-key-equation-form textarea, .st-key-equation-form input[type=text]")) return;
    clearTimeout(waiting);
    if (event.isComposing) return;
    waiting = setTimeout(() => {
      const enter = { key: "Enter", code: "Enter", keyCode: 13, bubbles: true, cancelable: true };
      field.dispatchEvent(new KeyboardEvent("keydown", { ...enter, ctrlKey: field.tagName === "TEXTAREA" }));
    }, PAUSE_MS);
  };
  document.addEventListener("input", typed);
  return () => { clearTimeout(waiting); document.removeEventListener("input", typed); };
}
""".replace("PAUSE_MS", str(PAUSE_MS))
_STYLE = """
[class*="st-key-equation-formulas"] .katex-display, [class*="st-key-equation-card"] .katex-display {
  overflow-x: auto; overflow-y: hidden; padding-bottom: 0.3rem; scrollbar-width: thin;
}
"""
_component = st.components.v2.component("singularity_lab_as_typed", css=_STYLE, js=_SCRIPT, isolate_styles=False)


def as_typed() -> None:
    """Once on the page, anywhere."""
    _component(key="equation.as_typed", height=1)
