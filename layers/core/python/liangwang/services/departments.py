"""Whose things an official may look at: the own department's, or those of the departments that a centre looks after."""

from ..access import granted
from ..domain import policy
from ..domain.catalogue import Organisation
from ..domain.errors import Invalid, Violation
from ..domain.policy import Action, Thing
from ..http import Request


class Departments:
    """The departments that a caller is granted an action on."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def thing(self, department: str) -> Thing:
        """A department's matter, as far as access goes."""
        found = self._organisation.department.get(department)
        centres = policy.centres(self._organisation, [found.region]) if found else frozenset()
        return Thing(department=department, supporting=department, centres=centres)

    def one(self, request: Request, action: Action) -> str:
        """The department that the query names, or the caller's own. Raises NotFound for one that is not the caller's,
        Invalid when a caller without a department names none."""
        department = request.query.get("department") or request.by.department
        if not department:
            violation = Violation("department", "name a department by its code")
            raise Invalid("which department?", violations=(violation,))
        granted(request.by, action, self.thing(department), what=f"no department {department} is yours to look at")
        return department

    def all(self, request: Request, action: Action) -> list[str]:
        """The department that the query names, or all that the caller may look at."""
        if request.query.get("department"):
            return [self.one(request, action)]
        caller = request.by
        return [
            code
            for code in self._organisation.department
            if policy.fields(caller.role, action, policy.relations(caller, self.thing(code))) is not None
        ]
