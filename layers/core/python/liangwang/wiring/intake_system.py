"""Builders of intake's functions: the citizen's door and what follows from it."""

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from ..outside import channels
from . import shared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..domain.search import Cut
    from ..rules import Rules
    from ..services.documents import Documents
    from ..services.drafts import Drafts
    from ..services.exchange import ExchangeApi
    from ..services.followup import FollowUp
    from ..services.guidance import Guidance
    from ..services.inbox import Inbox
    from ..services.intake import Intake
    from ..services.items import Items
    from ..services.joint import JointApplications
    from ..services.joint_items import JointItems
    from ..services.materials import Materials
    from ..services.notifier import Notifier
    from ..services.ratings import Ratings
    from ..services.receipts import Receipts
    from ..services.rectifications import Rectifications
    from ..services.results import Results
    from ..services.verification import Verification
    from ..tokens import KmsJws


def items() -> tuple["Items", "Guidance", "JointItems"]:
    """What one can apply for, and what it needs. The first search loads the tokenizer, the first guidance the rules."""
    from ..services.guidance import Guidance
    from ..services.items import Items
    from ..services.joint_items import JointItems

    catalogue = shared.catalogue()
    guidance = Guidance(catalogue, lambda rule, facts: _rules().evaluate(rule, facts))
    return Items(catalogue, words), guidance, JointItems(catalogue)


@cache
def _rules() -> "Rules":
    from ..rules import Rules

    return Rules()


def words(terms: "Iterable[str]") -> "Cut":
    """Cuts texts into words; the dictionary is loaded by whoever searches first."""
    from ..words import Words

    return Words(terms).cut


def intake() -> "Intake":
    """The citizen's door."""
    from ..services.intake import Intake

    aws = shared.outside.aws()
    return Intake(shared.store(aws), shared.catalogue(), shared.sealing(aws))


def results(intake: "Intake") -> "tuple[Results, Receipts]":
    """What cases ended with and what was accepted, signed."""
    from ..services import receipts, results

    signers = [document_signer(kind) for kind in (results.KIND, receipts.KIND)]
    (results_signer, issuer), (receipts_signer, _) = signers
    return (
        results.Results(intake, results_signer, issuer=issuer),
        receipts.Receipts(intake, receipts_signer, issuer=issuer),
    )


def joint() -> "JointApplications":
    """Several items at once."""
    from ..services.intake import Intake
    from ..services.joint import JointApplications

    aws, catalogue = shared.outside.aws(), shared.catalogue()
    store = shared.store(aws)
    return JointApplications(store, catalogue, shared.vault(aws), Intake(store, catalogue, shared.sealing(aws)))


def drafts() -> "Drafts":
    """Applications that are not finished."""
    from ..services.drafts import Drafts
    from ..services.intake import Intake

    aws, catalogue = shared.outside.aws(), shared.catalogue()
    store = shared.store(aws)
    return Drafts(store, shared.vault(aws), catalogue, Intake(store, catalogue, shared.sealing(aws)))


def materials() -> "Materials":
    """Applicants' files."""
    from ..services.materials import Materials

    aws = shared.outside.aws()
    return Materials(shared.store(aws), shared.vault(aws), shared.outside.objects())


def documents() -> "Documents":
    """What applicants get in writing."""
    from ..accesses import Accesses
    from ..document_templates import load
    from ..kms_jws import KmsJws
    from ..services.documents import KIND, Documents, People
    from ..services.intake import Intake

    aws, catalogue = shared.outside.aws(), shared.catalogue()
    store = shared.store(aws)
    key = os.environ["DOCUMENT_KEYS"].split(",")[0]
    signer = KmsJws(aws, key, kind=KIND, algorithm=os.environ.get("SIGNATURE") or "EdDSA")
    return Documents(
        Intake(store, catalogue, shared.sealing(aws)),
        catalogue,
        load(shared.directory()),
        People(store, shared.vault(aws), Accesses(store)),
        signer,
        _render,
        issuer=os.environ["TOKEN_ISSUER"],
    )


def _render(document: Any) -> Any:
    """The first document imports what draws it: the list of documents does not need it."""
    from ..pdf import render

    return render(document)


def document_signer(kind: str) -> "tuple[KmsJws, str]":
    """Signs documents of one kind for anybody to check, and who issues them."""
    from ..tokens import KmsJws

    return KmsJws(shared.outside.aws(), os.environ["CERTIFICATE_KEY"], kind=kind), os.environ["TOKEN_ISSUER"]


def verification() -> "Verification":
    """Whether certificates hold."""
    from ..services.verification import Verification

    return Verification(shared.store(shared.outside.aws()), shared.catalogue())


def inbox() -> "Inbox":
    """What citizens are told."""
    from ..notices import Notices
    from ..services.inbox import Inbox

    return Inbox(shared.store(shared.outside.aws()), Notices(shared.catalogue()))


def feedback() -> "tuple[Ratings, Rectifications]":
    """What citizens say of how their cases were handled, and what is put right."""
    from ..accesses import Accesses
    from ..notices import Notices
    from ..services.departments import Departments
    from ..services.ratings import Ratings
    from ..services.rectifications import Rectifications

    aws, catalogue = shared.outside.aws(), shared.catalogue()
    store, vault = shared.store(aws), shared.vault(aws)
    departments, notices = Departments(catalogue.organisation), Notices(catalogue)
    return (
        Ratings(store, departments, notices, vault),
        Rectifications(store, departments, notices, vault, Accesses(store)),
    )


def notifier() -> "Notifier":
    """What carries notifications out."""
    from ..accesses import Accesses
    from ..notices import Notices
    from ..services.notifier import Notifier

    aws = shared.outside.aws()
    store = shared.store(aws)
    return Notifier(store, shared.vault(aws), Accesses(store), Notices(shared.catalogue()), shared.outside.senders())


def exchange() -> "ExchangeApi":
    """Intake's door for other systems."""
    from ..services.exchange import ExchangeApi

    return ExchangeApi(shared.store(shared.outside.aws()))


def followup() -> "FollowUp":
    """What follows in intake from what has happened."""
    from ..domain.retention import Periods
    from ..following import steps
    from ..services.followup import FollowUp

    aws = shared.outside.aws()
    periods = Periods(
        decided=timedelta(days=float(os.environ["FORGET_DECIDED_AFTER_DAYS"])),
        withdrawn=timedelta(days=float(os.environ["FORGET_WITHDRAWN_AFTER_DAYS"])),
    )
    store = shared.store(aws)
    found = steps(
        store,
        vault=shared.vault(aws),
        sealing=shared.sealing(aws),
        catalogue=shared.catalogue(),
        calendar=shared.calendar(),
        objects=shared.outside.objects(),
        periods=periods,
        available=channels(),
    )
    return FollowUp(steps=found, trail=shared.trail(aws, system="intake"), load=store.load)
