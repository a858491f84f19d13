"""The composition root's other part: acceptance by officers, rechecks, and the documents that applicants keep."""

from typing import TYPE_CHECKING

from . import wiring
from .wiring import _department, _sealing, _store

if TYPE_CHECKING:
    from .services.acceptance_desk import AcceptanceDesk
    from .services.intake import Intake
    from .services.receipts import Receipts
    from .services.rechecks import Rechecks
    from .services.results import Results


def documents(intake: "Intake") -> "tuple[Results, Receipts]":
    """What cases ended with and what was accepted, signed."""
    from .services import receipts, results

    signers = [wiring.document_signer(kind) for kind in (results.KIND, receipts.KIND)]
    (results_signer, issuer), (receipts_signer, _) = signers
    return (
        results.Results(intake, results_signer, issuer=issuer),
        receipts.Receipts(intake, receipts_signer, issuer=issuer),
    )


def examination() -> "tuple[AcceptanceDesk, Rechecks]":
    """Acceptance by officers, and what they look at again."""
    from .services.acceptance_desk import AcceptanceDesk
    from .services.own_cases import OwnCases
    from .services.rechecks import Rechecks

    aws = wiring.outside.aws()
    cases = OwnCases(_store(aws), _department())
    return AcceptanceDesk(cases, _sealing(aws)), Rechecks(cases)
