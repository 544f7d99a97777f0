"""What the Launch form has besides what is computed: rules that watch the run, and how it tries again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.config import RunConfig
from core.settings import settings
from pages.parts.shared.model_form import Path, fields_form
from pages.parts.shared.rules_form import rules_form


def guards(data: dict[str, Any], errors: dict[Path, str], key: str) -> tuple[dict[str, Any], bool]:
    """Rules and retry of the run, and whether a rule was added or removed: the form begins anew then.

    Args:
        data: the form's data.
        errors: messages by field path.
        key: prefix of the widgets' keys.
    """
    with st.expander("Watch and retry", icon=":material/notifications:"):
        lab = settings()
        known = f"The lab's {len(lab.watch)} rules hold too" if lab.watch else "The lab has no rules for all runs yet"
        st.caption(f"{known}; they are set on the page Settings. Nothing here is part of the hash.")
        own = {path[1:]: line for path, line in errors.items() if path[:1] == ("watch",)}
        names = [channel.name for channel in lab.channels]
        rules, anew = rules_form(data.get("watch") or [], names, own, f"{key}.watch")
        retry = fields_form(RunConfig, ("retry",), data, errors, key)
    return {"watch": rules or None} | retry, anew
