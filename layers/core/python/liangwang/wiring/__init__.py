"""The composition root: builds the adapters and what stands on them. Beside ``outside.py`` nothing else reads the environment.

Each function's ``app.py`` calls its own builder once, at import, which Lambda does once an execution environment.
Builders import what only they need, so that a function's cold start pays for nothing else.
"""

from .department_system import (
    acceptance,
    approval,
    assistance,
    decisions,
    examination,
    orders,
    procedures,
    statistics,
    steps,
)
from .every_system import audit, publisher, supervision
from .governance_system import (
    collaboration,
    console,
    grid,
    handback,
    mailbox,
    outside_parties,
    oversight,
    relay,
)
from .intake_system import (
    document_signer,
    documents,
    drafts,
    exchange,
    feedback,
    followup,
    inbox,
    intake,
    items,
    joint,
    materials,
    notifier,
    results,
    verification,
)
from .people import authorizer, door, identity, mandates, privacy, users

__all__ = [
    "acceptance",
    "approval",
    "assistance",
    "audit",
    "authorizer",
    "collaboration",
    "console",
    "decisions",
    "document_signer",
    "documents",
    "door",
    "drafts",
    "examination",
    "exchange",
    "feedback",
    "followup",
    "grid",
    "handback",
    "identity",
    "inbox",
    "intake",
    "items",
    "joint",
    "mailbox",
    "mandates",
    "materials",
    "notifier",
    "orders",
    "outside_parties",
    "oversight",
    "privacy",
    "procedures",
    "publisher",
    "relay",
    "results",
    "statistics",
    "steps",
    "supervision",
    "users",
    "verification",
]
