"""The steps of what follows in intake, put together from their adapters; loaded by the one function that takes them."""

from collections.abc import Collection

from .domain.catalogue import Catalogue
from .domain.notification import Channel
from .domain.retention import Periods
from .domain.working_days import Calendar
from .objects import Objects
from .sealing import Sealing
from .services.erasure import Erasure
from .services.followup import Step
from .services.intake import Intake
from .services.joint_progress import JointFollowing, JointProgress
from .services.keeping import Keeping
from .services.notifying import Notifying
from .services.rectifying import Rectifying
from .services.retention import Retention
from .services.telling_ratings import TellingRatings
from .sessions import Sessions
from .store import Store
from .vault import Vault


def steps(
    store: Store,
    *,
    vault: Vault,
    sealing: Sealing,
    catalogue: Catalogue,
    calendar: Calendar,
    objects: Objects,
    periods: Periods,
    available: Collection[Channel],
) -> list[Step]:
    """Each matter once; none depends on the order. ``available`` are the channels that carry notifications out."""
    joint = JointProgress(store, catalogue, vault, Intake(store, catalogue, sealing))
    return [
        Notifying(store, available=available),
        Rectifying(store, calendar),
        TellingRatings(store),
        Retention(store, periods),
        Keeping(store, objects),
        JointFollowing(store, joint),
        Erasure(store, vault, Sessions(store)),
    ]
