"""Who may do what in a lab: people who sign in, tokens of the command line from afar, and the machine's own user.

What only looks needs nothing of this. Whatever changes something says which role it takes (`needs`), and who acts is
found out when it is done, not when a page was drawn.
"""

from core.people.acting import (
    ADMIN,
    ROLES,
    RUNNER,
    VIEWER,
    NotAllowedError,
    Person,
    acting_as,
    actor,
    carried,
    may,
    needs,
    process_name,
    require,
    this_process_is,
    visitors_are,
    visitors_sign_in,
)

__all__ = [
    "ADMIN",
    "ROLES",
    "RUNNER",
    "VIEWER",
    "NotAllowedError",
    "Person",
    "acting_as",
    "actor",
    "carried",
    "may",
    "needs",
    "process_name",
    "require",
    "this_process_is",
    "visitors_are",
    "visitors_sign_in",
]
