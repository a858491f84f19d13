"""What several builders put together from the environment: tables, the catalogue, seals, and what a department decides with."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..aws import AwsJson
from ..domain.patience import Patience
from ..outside import Outside

if TYPE_CHECKING:
    from ..domain.catalogue import Catalogue, Organisation
    from ..domain.responsibilities import Responsibilities
    from ..domain.working_days import Calendar
    from ..sealing import Sealing
    from ..services.department import Department
    from ..services.department_load import DepartmentLoad
    from ..store import Store
    from ..trail import Trail
    from ..vault import Vault


TALLIES = "STATISTICS_TABLE"

outside = Outside()
"""Tests put fakes in its place before they import a function (tests/functional/functions.py)."""


def patience() -> Patience:
    """How long a system waits before it asks another one again."""
    return Patience(
        first=timedelta(seconds=float(os.environ.get("ASK_AGAIN_SECONDS", "300"))),
        longest=timedelta(seconds=float(os.environ.get("ASK_AGAIN_AT_MOST_SECONDS", "86400"))),
    )


def store(aws: AwsJson, variable: str = "TABLE") -> "Store":
    """The table that a variable names: the function's own, where none is given."""
    from ..store import Store

    return Store(aws, os.environ[variable], patience=patience())


def directory() -> Path:
    """Where the catalogue lies."""
    return Path(os.environ["CATALOGUE_DIR"])


def catalogue() -> "Catalogue":
    """Items, regions, departments and certificates."""
    from ..catalogue import load

    return load(directory())


def organisation() -> "Organisation":
    """Regions and departments alone: what names and lineages need."""
    from ..catalogue import load_organisation

    return load_organisation(directory())


def responsibilities() -> "Responsibilities":
    """The organisation with the rules of routing, indexed once: for those who route."""
    from ..catalogue import load_responsibilities

    return load_responsibilities(directory())


def department_load() -> "DepartmentLoad | None":
    """How busy departments are, for rules of routing that ask; None for a function that has no tallies."""
    from ..services.department_load import DepartmentLoad

    return DepartmentLoad(store(outside.aws(), TALLIES), clock=outside.clock) if TALLIES in os.environ else None


def calendar() -> "Calendar":
    """The State Council's working days."""
    from ..working_calendar import load

    return load(directory())


def sealing(aws: AwsJson) -> "Sealing":
    """Personal data on its way between systems, sealed for one department."""
    from ..sealing import Sealing

    return Sealing(aws, key_prefix=os.environ["DEPARTMENT_KEY_PREFIX"], cipher=cipher())


def cipher() -> str:
    """The cipher that new personal data is sealed with."""
    return os.environ.get("CIPHER") or "AES-256-GCM"


def vault(aws: AwsJson) -> "Vault":
    """Personal data at rest, in intake's table."""
    from ..blind import BlindIndex
    from ..secret import Secret
    from ..vault import Vault

    secret = Secret(aws, os.environ["BLIND_INDEX_SECRET"])
    index = BlindIndex(secret, digest=os.environ.get("DIGEST") or "HMAC-SHA-256")
    return Vault(store(aws), aws, key=os.environ["PERSONAL_KEY"], index=index, cipher=cipher())


def department() -> "Department":
    """What decides on a department's cases."""
    from ..rules import Rules
    from ..services.department import Department

    return Department(catalogue(), Rules(), calendar())


def trail(aws: AwsJson, *, system: str) -> "Trail":
    """One system's audit trail."""
    from ..audit_chain import Chains
    from ..trail import Trail

    return Trail(Chains(aws, os.environ["AUDIT_TABLE"]), system=system)
