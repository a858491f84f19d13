"""Whose centre an official may look at: the own one, or one below it that the query names."""

from ..access import granted
from ..domain import policy
from ..domain.catalogue import Organisation
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.policy import Action, Thing
from ..http import Request


class Centres:
    """The centres that a caller is granted an action on."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation

    def one(self, request: Request, action: Action) -> str:
        """The region of the centre that the query names, or of the caller's own. Raises NotFound for one that is not the
        caller's, Invalid when a caller without one names none.
        """
        region = request.query.get("region") or request.by.region
        if not region:
            raise Invalid("which centre?", violations=(Violation("region", "name a region by its code"),))
        thing = Thing(centres=policy.centres(self.organisation, [region]))
        granted(request.by, action, thing, what=_not_yours(region))
        return region

    def existing(self, request: Request, action: Action) -> str:
        """The same, and NotFound too for a region that there is not, for who may look at any."""
        region = self.one(request, action)
        if region not in self.organisation.region:
            raise NotFound(_not_yours(region))
        return region

    def below(self, region: str) -> list[str]:
        """The region and all below it, in the order of the organisation."""
        return [code for code in self.organisation.region if region in self.organisation.lineage(code)]


def _not_yours(region: str) -> str:
    return f"no centre {region} is yours to look at"
