"""How tests are spread over processes: a file stays in one, and so does all that stands on a running system.

pytest-xdist's own groups (``--dist loadgroup``) do nothing under pytest 9.2, so the scheduler says it.
"""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

WITH_A_SYSTEM = {"contract", "e2e", "faults", "integration", "local", "real"}
"""Folders whose tests start a system, or parts of one: two at a time would be too much for two cores."""


class Spread(LoadScopeScheduling):
    """Gives each process whole files, in the order in which they were found."""

    def _split_scope(self, nodeid):
        path = nodeid.split("::", 1)[0]
        folder = PurePosixPath(path).parts[1]
        return "system" if folder in WITH_A_SYSTEM else path
