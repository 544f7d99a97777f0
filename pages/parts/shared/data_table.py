"""Tables whose cells are people's text: the one door to `st.dataframe`, where hidden characters are written out.

Cells are drawn on a canvas and are never markup, but a character that turns text around would make a name lie.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.parts.shared.text import visible


def data_table(data: pd.DataFrame | dict[str, list] | list[dict[str, Any]], **options: Any) -> Any:
    """`st.dataframe` with every text in it shown as it is.

    Args:
        data: the table, as columns or rows.
        options: of `st.dataframe`.
    """
    frame = pd.DataFrame(data)
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
            frame.isetitem(place, [visible(cell) if isinstance(cell, str) else cell for cell in column])
    return st.dataframe(frame, **options)
