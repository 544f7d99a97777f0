"""Who acts where a page's script runs, a callback or a fragment of it: the person whose tab it is."""

from __future__ import annotations

from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from core.people import Person
from pages.parts.people.session import session_of


def visitor() -> Person | None:
    """The person of this thread's tab; None on threads that are nobody's. Raises what `Session.person` does.

    It is who the WebSocket that the tab has now came with. What Streamlit calls the user is whoever the tab was opened
    by: it stays so when the tab comes back from a lost connection after somebody else signed in.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return None
    client = get_instance().get_client(context.session_id)
    cookies = {} if client is None else client.client_context.cookies
    return session_of(cookies).person()
