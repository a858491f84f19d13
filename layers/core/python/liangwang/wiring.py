"""The composition root: builds the adapters and what stands on them. Beside ``outside.py`` nothing else reads the environment.

Each function's ``app.py`` calls its own builder once, at import, which Lambda does once an execution environment.
Builders import what only they need, so that a function's cold start pays for nothing else.
"""

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .aws import AwsJson
from .domain.patience import Patience
from .outside import Outside, channels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .accounts import Logins
    from .domain.catalogue import Catalogue
    from .domain.search import Cut
    from .domain.working_days import Calendar
    from .limits import Door
    from .rules import Rules
    from .sealing import Sealing
    from .services.assistance import Assistance
    from .services.audit import Audit
    from .services.authorizer import Authorizer
    from .services.case_detail import CaseDetails
    from .services.department import Department
    from .services.desk import Desk
    from .services.disclosure import Disclosure
    from .services.drafts import Drafts
    from .services.exchange import ExchangeApi
    from .services.followup import FollowUp
    from .services.guidance import Guidance
    from .services.inbox import Inbox
    from .services.intake import Intake
    from .services.items import Items
    from .services.joint import JointApplications
    from .services.joint_items import JointItems
    from .services.mandates import MandateDesk
    from .services.materials import Materials
    from .services.notifier import Notifier
    from .services.own_cases import OwnCases
    from .services.privacy import Privacy
    from .services.publisher import Publisher
    from .services.ratings import Ratings
    from .services.rectifications import Rectifications
    from .services.registration import Registration
    from .services.relay import Relay
    from .services.users import Users
    from .store import Store
    from .tokens import KmsJws
    from .trail import Trail
    from .vault import Vault


outside = Outside()


def _patience() -> Patience:
    return Patience(
        first=timedelta(seconds=float(os.environ.get("ASK_AGAIN_SECONDS", "300"))),
        longest=timedelta(seconds=float(os.environ.get("ASK_AGAIN_AT_MOST_SECONDS", "86400"))),
    )


def _store(aws: AwsJson, variable: str = "TABLE") -> "Store":
    from .store import Store

    return Store(aws, os.environ[variable], patience=_patience())


def _directory() -> Path:
    return Path(os.environ["CATALOGUE_DIR"])


def _catalogue() -> "Catalogue":
    from .catalogue import load

    return load(_directory())


def _calendar() -> "Calendar":
    from .working_calendar import load

    return load(_directory())


def _sealing(aws: AwsJson) -> "Sealing":
    from .sealing import Sealing

    return Sealing(aws, key_prefix=os.environ["DEPARTMENT_KEY_PREFIX"], cipher=_cipher())


def _cipher() -> str:
    return os.environ.get("CIPHER") or "AES-256-GCM"


def _vault(aws: AwsJson) -> "Vault":
    """Personal data at rest, in intake's table."""
    from .blind import BlindIndex
    from .secret import Secret
    from .vault import Vault

    secret = Secret(aws, os.environ["BLIND_INDEX_SECRET"])
    index = BlindIndex(secret, digest=os.environ.get("DIGEST") or "HMAC-SHA-256")
    return Vault(_store(aws), aws, key=os.environ["PERSONAL_KEY"], index=index, cipher=_cipher())


def _department() -> "Department":
    from .rules import Rules
    from .services.department import Department

    return Department(_catalogue(), Rules(), _calendar())


def _trail(aws: AwsJson, *, system: str) -> "Trail":
    from .audit_chain import Chains
    from .trail import Trail

    return Trail(Chains(aws, os.environ["AUDIT_TABLE"]), system=system)


def identity() -> "Logins":
    """Accounts, sessions and the key that signs tokens."""
    from .accounts import logins

    aws = outside.aws()
    key, issuer = os.environ["TOKEN_KEY"], os.environ["TOKEN_ISSUER"]
    issuers = os.environ.get("EXTERNAL_ISSUERS", "")
    published = (os.environ["CERTIFICATE_KEY"], *os.environ["DOCUMENT_KEYS"].split(","))
    store, vault = _store(aws), _vault(aws)
    return logins(aws, store, vault, key=key, issuer=issuer, external=issuers, published=published)


def users() -> "tuple[Registration, Users]":
    """People's own records: how they come to be, are shown and changed."""
    from .accesses import Accesses
    from .claims import Claims
    from .services.registration import Registration
    from .services.users import Users

    aws = outside.aws()
    store, vault = _store(aws), _vault(aws)
    claims = Claims(store, vault.blind)
    return Registration(store, vault, claims), Users(store, vault, claims, Accesses(store))


def door() -> "Door":
    """How often clients and accounts may ask."""
    from .limits import Door, Limits

    return Door(
        Limits(outside.aws_at_once(), os.environ["LIMITS_TABLE"]),
        source=int(os.environ["SOURCE_REQUESTS_PER_MINUTE"]),
        account=int(os.environ["ACCOUNT_REQUESTS_PER_MINUTE"]),
        system=int(os.environ["SYSTEM_REQUESTS_PER_MINUTE"]),
    )


def authorizer() -> "Authorizer":
    """The keys whose tokens are trusted, what each may state, and which sessions are live."""
    from .services.authorizer import Authorizer
    from .sessions import LiveSessions
    from .tokens import Verifier

    people, governance = os.environ["TOKEN_KEY"], os.environ["GOVERNANCE_KEY"]
    keys = {
        people.rpartition("/")[2]: (people, None),
        governance.rpartition("/")[2]: (governance, frozenset({"system"})),
    }
    aws = outside.aws()
    verifier = Verifier(aws, keys=keys, issuer=os.environ["TOKEN_ISSUER"])
    return Authorizer(verifier, door(), is_live=LiveSessions(_store(aws)))


def items() -> tuple["Items", "Guidance", "JointItems"]:
    """What one can apply for, and what it needs. The first search loads the tokenizer, the first guidance the rules."""
    from .services.guidance import Guidance
    from .services.items import Items
    from .services.joint_items import JointItems

    catalogue = _catalogue()
    guidance = Guidance(catalogue, lambda rule, facts: _rules().evaluate(rule, facts))
    return Items(catalogue, _words), guidance, JointItems(catalogue)


def joint() -> "JointApplications":
    """Several items at once."""
    from .services.intake import Intake
    from .services.joint import JointApplications

    aws, catalogue = outside.aws(), _catalogue()
    store = _store(aws)
    return JointApplications(store, catalogue, _vault(aws), Intake(store, catalogue, _sealing(aws)))


@cache
def _rules() -> "Rules":
    from .rules import Rules

    return Rules()


def _words(terms: "Iterable[str]") -> "Cut":
    from .words import Words

    return Words(terms).cut


def mandates() -> "MandateDesk":
    """Who may act for whom."""
    from .services.mandates import MandateDesk

    return MandateDesk(_store(outside.aws()), _catalogue())


def intake() -> "Intake":
    """The citizen's door."""
    from .services.intake import Intake

    aws = outside.aws()
    return Intake(_store(aws), _catalogue(), _sealing(aws))


def drafts() -> "Drafts":
    """Applications that are not finished."""
    from .services.drafts import Drafts
    from .services.intake import Intake

    aws, catalogue = outside.aws(), _catalogue()
    store = _store(aws)
    return Drafts(store, _vault(aws), catalogue, Intake(store, catalogue, _sealing(aws)))


def document_signer(kind: str) -> "tuple[KmsJws, str]":
    """Signs documents of one kind for anybody to check, and who issues them."""
    from .tokens import KmsJws

    return KmsJws(outside.aws(), os.environ["CERTIFICATE_KEY"], kind=kind), os.environ["TOKEN_ISSUER"]


def inbox() -> "Inbox":
    """What citizens are told."""
    from .notices import Notices
    from .services.inbox import Inbox

    return Inbox(_store(outside.aws()), Notices(_catalogue()))


def feedback() -> "tuple[Ratings, Rectifications]":
    """What citizens say of how their cases were handled, and what is put right."""
    from .accesses import Accesses
    from .notices import Notices
    from .services.departments import Departments
    from .services.ratings import Ratings
    from .services.rectifications import Rectifications

    aws, catalogue = outside.aws(), _catalogue()
    store, vault = _store(aws), _vault(aws)
    departments, notices = Departments(catalogue.organisation), Notices(catalogue)
    return (
        Ratings(store, departments, notices, vault),
        Rectifications(store, departments, notices, vault, Accesses(store)),
    )


def materials() -> "Materials":
    """Applicants' files."""
    from .services.materials import Materials

    aws = outside.aws()
    return Materials(_store(aws), _vault(aws), outside.objects())


def notifier() -> "Notifier":
    """What carries notifications out."""
    from .accesses import Accesses
    from .notices import Notices
    from .services.notifier import Notifier

    aws = outside.aws()
    store = _store(aws)
    return Notifier(store, _vault(aws), Accesses(store), Notices(_catalogue()), outside.senders())


def exchange() -> "ExchangeApi":
    """Intake's door for other systems."""
    from .services.exchange import ExchangeApi

    return ExchangeApi(_store(outside.aws()))


def relay() -> "Relay":
    """From intake's exchange API to Kafka."""
    from .services.relay import Relay

    return Relay(outside.exchange(), outside.producer())


def acceptance() -> tuple["Store", "Department"]:
    """The department's cases and what decides on them."""
    return _store(outside.aws()), _department()


def approval() -> tuple["OwnCases", "Desk", "CaseDetails", "Disclosure"]:
    """A department's cases, how they are found and shown, and what is shown for a reason only."""
    from .services.case_detail import CaseDetails
    from .services.desk import Desk
    from .services.disclosure import Disclosure
    from .services.own_cases import OwnCases

    aws = outside.aws()
    cases, sealing = OwnCases(_store(aws), _department()), _sealing(aws)
    return cases, Desk(cases), CaseDetails(cases, sealing), Disclosure(cases, sealing, outside.objects())


def assistance() -> "Assistance":
    """The department's tasks for others."""
    from .services.assistance import Assistance

    return Assistance(_store(outside.aws()), _catalogue().organisation)


def publisher() -> "Publisher":
    """From one table's stream to Kafka."""
    from .services.publisher import Publisher

    return Publisher(outside.producer())


def followup() -> "FollowUp":
    """What follows in intake from what has happened."""
    from .domain.retention import Periods
    from .following import steps
    from .services.followup import FollowUp

    aws = outside.aws()
    periods = Periods(
        decided=timedelta(days=float(os.environ["FORGET_DECIDED_AFTER_DAYS"])),
        withdrawn=timedelta(days=float(os.environ["FORGET_WITHDRAWN_AFTER_DAYS"])),
    )
    store = _store(aws)
    found = steps(
        store,
        vault=_vault(aws),
        sealing=_sealing(aws),
        catalogue=_catalogue(),
        calendar=_calendar(),
        objects=outside.objects(),
        periods=periods,
        available=channels(),
    )
    return FollowUp(steps=found, trail=_trail(aws, system="intake"), load=store.load)


def audit() -> "Audit":
    """The audit trail of governance and departments, the key that signs where all chains stand, and what is counted."""
    from .audit_anchors import KIND, Anchors
    from .audit_chain import Chains
    from .services.audit import Audit
    from .tokens import KmsJws
    from .wiring_statistics import counting

    aws = outside.aws()
    systems = {os.environ["GOVERNANCE_TABLE"]: "governance", os.environ["DEPARTMENT_TABLE"]: "department"}
    signer = KmsJws(aws, os.environ["AUDIT_KEY"], kind=KIND)
    every = timedelta(seconds=float(os.environ.get("ANCHOR_SECONDS", "3600")))
    anchors = Anchors(Chains(aws, os.environ["AUDIT_TABLE"]), signer.sign, every=every)
    trails = {table: _trail(aws, system=system) for table, system in systems.items()}
    return Audit(trails, anchors, steps={os.environ["DEPARTMENT_TABLE"]: [counting(aws)]})


def privacy() -> "Privacy":
    """Finding persons by an exact value, and erasing them."""
    from .accesses import Accesses
    from .claims import Claims
    from .services.privacy import Privacy

    aws = outside.aws()
    store, vault = _store(aws), _vault(aws)
    return Privacy(store, vault, Claims(store, vault.blind), Accesses(store))
