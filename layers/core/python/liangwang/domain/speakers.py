"""Who speaks for a department on the bus, as far as a message's ``source`` tells. Pure.

The bus itself proves only that a writer may write. A source is a claim too: what is looked at here finds mistakes, not malice
(docs/security.md). Over HTTP the token proves the department, and the mailbox writes the source.
"""

from .catalogue import Organisation
from .errors import Invalid, Violation

LINK = "link"
"""How the source of an outside party's answers ends: they come through links alone."""


def check(organisation: Organisation, *, source: str, department: str) -> None:
    """Raises Invalid when a message's source is not that of the department it speaks for.

    ``source`` is ``/<system>/<department>`` for a department with a system of its own. Departments of this deployment share
    one, which names none of them.
    """
    speaker, found = source.rpartition("/")[2], organisation.department.get(department)
    connected = found.connected if found else "here"
    wanted = {"kafka": department, "http": department, "link": LINK}.get(connected)
    if speaker == wanted or (wanted is None and (speaker == department or speaker not in organisation.department)):
        return
    fix = (
        f"end it in /{wanted or department}"
        if connected != "link"
        else "answers of outside parties come by their links"
    )
    raise Invalid(f"{source[:100]} does not speak for {department}", violations=(Violation("source", fix),))
