"""The composition root's other part: what is done to decisions, and the documents that tell of them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import wiring
from .wiring import _catalogue, _department, _sealing, _store, _vault

if TYPE_CHECKING:
    from .services.decisions import Decisions
    from .services.documents import Documents
    from .services.verification import Verification


def decisions() -> "Decisions":
    """What is done to decisions that were told already."""
    from .services.decisions import Decisions
    from .services.own_cases import OwnCases

    return Decisions(OwnCases(_store(wiring.outside.aws()), _department()))


def verification() -> "Verification":
    """Whether certificates hold."""
    from .services.verification import Verification

    return Verification(_store(wiring.outside.aws()), _catalogue())


def documents() -> "Documents":
    """What applicants get in writing."""
    from .accesses import Accesses
    from .document_templates import load
    from .kms_jws import KmsJws
    from .services.documents import KIND, Documents, People
    from .services.intake import Intake

    aws, catalogue = wiring.outside.aws(), _catalogue()
    store = _store(aws)
    key = os.environ["DOCUMENT_KEYS"].split(",")[0]
    signer = KmsJws(aws, key, kind=KIND, algorithm=os.environ.get("SIGNATURE") or "EdDSA")
    return Documents(
        Intake(store, catalogue, _sealing(aws)),
        catalogue,
        load(Path(os.environ["CATALOGUE_DIR"])),
        People(store, _vault(aws), Accesses(store)),
        signer,
        _render,
        issuer=os.environ["TOKEN_ISSUER"],
    )


def _render(document: Any) -> Any:
    """The first document imports what draws it: the list of documents does not need it."""
    from .pdf import render

    return render(document)
