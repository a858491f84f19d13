"""What a department tells of its cases: acceptance data 受理数据, process data 审批过程数据 and results 审批结果.

Each is a message, carried by the topics ``acceptances`` and ``approvals`` and delivered to the citizen by handback, and at
the same time an event of the case. ``by`` is an officer's account, or ``rule``; ``basis`` names the article a step rests on.
"""

from datetime import date, datetime

from .catalogue import Text
from .message_parts import (
    Due,
    Finding,
    Light,
    Message,
    Opinion,
    Outcome,
    Point,
    Promise,
    Remark,
    Sealed,
    StopCause,
    SupervisionMoment,
    SupervisionStage,
)

# ------------------------------------------------------------------ acceptances: department -> governance


class CaseAccepted(Message, frozen=True, tag="case.accepted"):
    """受理: a numbered receipt. ``awaits`` names the capabilities that other departments are asked for.

    ``due`` is what the applicant is told of the time it takes. ``deemed``: nobody examined the application in five working
    days, so it counts as accepted from the day it came (行政许可法 art. 32(4)). ``promised`` are materials that may come later.
    ``trace`` is what rules found, where rules alone decide; ``explanation`` why an officer accepted in spite of it.
    """

    department: str
    accept_doc_no: str
    awaits: tuple[str, ...] = ()
    due: Due | None = None
    deemed: bool = False
    promised: tuple[Promise, ...] = ()
    by: str = "rule"
    basis: str = ""
    trace: tuple[Finding, ...] = ()
    explanation: str = ""


class SupplementRequested(Message, frozen=True, tag="case.supplement_requested"):
    """补正告知, once and with everything at once (行政许可法 art. 32(4)). ``until``: after that the case is returned."""

    department: str
    notice_no: str
    points: tuple[Point, ...]
    until: datetime | None = None
    by: str = "rule"


class CaseRefused(Message, frozen=True, tag="case.refused"):
    """不予受理, with every reason and what the applicant can do about it. ``told`` as in ``CaseDecided``."""

    department: str
    refusal_doc_no: str
    reasons: tuple[Text, ...]
    told: int = 0
    remedy: Text | None = None
    by: str = "rule"
    basis: str = ""


class CaseReturned(Message, frozen=True, tag="case.returned"):
    """退件: the supplement was not made in time, or the applicant was told to apply elsewhere. ``told`` as in ``CaseDecided``."""

    department: str
    return_doc_no: str
    reasons: tuple[Text, ...]
    told: int = 0
    by: str = "rule"
    basis: str = ""


class CaseTransferred(Message, frozen=True, tag="case.transferred"):
    """移送: another department is the right one. From now on ``to`` has the case; ``sealed`` is for it what was sealed before."""

    department: str
    to: str
    by: str
    reason: str
    sealed: tuple[Sealed, ...] = ()


# ------------------------------------------------------------------ approvals: department -> governance


class StepCompleted(Message, frozen=True, tag="approval.step_completed"):
    """审批过程数据: one step done by rule (with its trace) or by an officer (with an opinion).

    ``on_behalf_of`` is the absent officer for whom ``by`` acted; ``attachments`` are ids of files the officer added.
    """

    department: str
    step: str
    opinion: Opinion
    by: str
    explanation: str = ""
    trace: tuple[Finding, ...] = ()
    on_behalf_of: str = ""
    attachments: tuple[str, ...] = ()


class StepReturned(Message, frozen=True, tag="approval.step_returned"):
    """退回: the step ``step`` went back to ``to``; ``reopened`` are all steps that begin anew: that one and what comes after it.

    An officer who takes their own opinion back returns the step to itself. ``on_behalf_of`` as in ``StepCompleted``.
    """

    department: str
    step: str
    to: str
    reopened: tuple[str, ...]
    by: str
    reason: str
    on_behalf_of: str = ""


class CaseSuspended(Message, frozen=True, tag="case.suspended"):
    """The clock stands since a day, for a cause that the law does not count (行政许可法 art. 45), and how long it should take
    at most (``until``). ``stop_id`` is unique within the case.
    """

    department: str
    stop_id: str
    cause: StopCause
    basis: str
    approver: str
    since: date
    until: datetime | None = None
    reason: str = ""


CASE_ENDED = "case_ended"
"""The result of a stop that ended because its case did."""


class CaseResumed(Message, frozen=True, tag="case.resumed"):
    """A stop has ended, with its result. ``days`` it lasted, ``stood`` is how long the clock stood altogether when no other
    stop holds (else 0), both in working days; ``due`` is what is due now.
    """

    department: str
    stop_id: str
    on: date
    days: int
    stood: int
    due: Due
    result: str = ""


class CaseExtended(Message, frozen=True, tag="case.extended"):
    """延长: once, by ``days`` working days, with the approval that the law asks for and reasons told (行政许可法 art. 42)."""

    department: str
    days: int
    reason: str
    basis: str
    approver: str
    on: date
    due: Due


class CaseDecided(Message, frozen=True, tag="case.decided"):
    """审批结果. A granted case may carry a certificate; ``valid_until`` of None means it does not expire.

    ``told`` counts all that the department has told the citizen of this case, this message included: whoever has fewer
    still waits for the rest.
    """

    department: str
    outcome: Outcome
    reasons: tuple[Text, ...] = ()
    certificate_no: str | None = None
    certificate_name: Text | None = None
    valid_until: datetime | None = None
    told: int = 0


class DecisionCorrected(Message, frozen=True, tag="case.decision_corrected"):
    """更正: what the decision should have said; its outcome stays. The decision itself is kept."""

    department: str
    by: str
    reason: str
    basis: str
    reasons: tuple[Text, ...] = ()
    valid_until: datetime | None = None


class DecisionRevoked(Message, frozen=True, tag="case.decision_revoked"):
    """撤销: the decision no longer holds (行政许可法 art. 69), and its certificate with it. The case is void 作废."""

    department: str
    by: str
    reason: str
    basis: str


class CertificateRevoked(Message, frozen=True, tag="certificate.revoked"):
    """证照注销或吊销: the certificate no longer holds, though the case was decided rightly."""

    department: str
    certificate_no: str
    by: str
    reason: str
    basis: str


class CertificateReissued(Message, frozen=True, tag="certificate.reissued"):
    """补发换发: a new certificate in the place of another, which no longer holds."""

    department: str
    certificate_no: str
    replaces: str
    by: str
    reason: str
    basis: str = ""
    valid_until: datetime | None = None


class CaseSupervised(Message, frozen=True, tag="case.supervised"):
    """监督: a moment of the case has passed, and a rule says what follows: a light changed, somebody is urged, it goes up a
    level, an order is given. For the centre, not for the citizen.

    ``unit`` is whom it concerns: an officer, a department, or a region's centre. ``at`` is when the moment passed, whenever that
    was seen. ``about`` tells moments of one kind apart (a step, a stop); ``ordinal`` counts how often
    the rule has spoken of it, and ``again_at`` is when it speaks again unless the matter is done: of an order, until when it
    has to be answered. ``centre`` is the region whose centre has to look at it; empty for what stays in the department.
    """

    department: str
    rule: str
    stage: SupervisionStage
    moment: SupervisionMoment
    unit: str
    light: Light
    at: datetime
    about: str = ""
    ordinal: int = 1
    again_at: datetime | None = None
    centre: str = ""

    @property
    def order(self) -> str:
        """What names the matter within its case: the rule's number, and what it is about."""
        return f"{self.rule}.{self.about}" if self.about else self.rule


class OrderAnswered(Message, frozen=True, tag="case.order_answered"):
    """督办反馈: what came of a supervision order, which ``order`` names as ``CaseSupervised.order`` does."""

    department: str
    order: str
    by: str
    result: Remark


Progress = (
    CaseAccepted
    | SupplementRequested
    | CaseRefused
    | CaseReturned
    | CaseTransferred
    | StepCompleted
    | StepReturned
    | CaseSuspended
    | CaseResumed
    | CaseExtended
    | CaseDecided
    | DecisionCorrected
    | DecisionRevoked
    | CertificateRevoked
    | CertificateReissued
)
"""What a department tells the citizen, delivered by handback."""
