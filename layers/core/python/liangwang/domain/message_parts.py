"""What messages are made of: their base, and the values that several of them carry."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from .catalogue import Text

Opinion = Literal["agree", "disagree"]
Outcome = Literal["granted", "denied", "withdrawn"]
Remark = Annotated[str, Meta(max_length=1000)]
"""What a person writes: short enough that a case stays one item and a delivery fits one call."""


class Message(Struct, frozen=True, tag_field="type", kw_only=True):
    """What every message says: which case it is about (the Kafka key)."""

    case_no: str


class Sealed(Struct, frozen=True, kw_only=True):
    """Personal data that only the receiving department can open. All values are base64, ``algorithm`` apart.

    ``wrapped_key`` is a data key under the department's KMS key with ``case_no`` and ``department`` as context.
    """

    algorithm: str
    wrapped_key: str
    nonce: str
    ciphertext: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A material 材料 that came as a file, or as a certificate 证照 that was granted before.

    ``origin`` says where it is from: ``upload`` (for this case), ``earlier`` (kept from another case of the applicant) or
    ``certificate`` (then ``certificate_no`` names it and there is no file). ``material_id`` names the file where files are
    kept (docs/intake.md): the file itself does not travel. ``name`` is made of the code, never the applicant's own name
    of the file, which may hold anything. ``version`` counts what was handed in for the same code of the same case, from 1.
    """

    code: str
    origin: Literal["upload", "earlier", "certificate"]
    material_id: str = ""
    certificate_no: str = ""
    name: str = ""
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    version: int = 1


class Point(Struct, frozen=True):
    """One line of a supplement notice: the form field or material code, and what to do about it.

    A later notice says with each point what it ``arose_from``: what came after the first and made it visible.
    """

    field: str
    reason: Text
    arose_from: str = ""


class Finding(Struct, frozen=True):
    """One rule that was looked at: its id, and whether it held."""

    rule: str
    held: bool


class Due(Struct, frozen=True, kw_only=True):
    """What an applicant was told of a case's time: it is kept, whatever calendar is published later.

    ``started_on`` is the day from which is counted (day one is the next); the limits are in working days, extension
    included; the moments are UTC: the ends of the statutory and the promised limit (法定, 承诺), and when the light turns yellow
    and red. ``provisional``: the last day lies in a year whose holidays had not been announced.
    """

    started_on: date
    statutory_days: int
    promised_days: int
    basis: str
    statutory_at: datetime
    promised_at: datetime
    yellow_at: datetime
    red_at: datetime
    provisional: bool = False


StopCause = Literal[
    "supplement",
    "collaboration",
    "hearing",
    "tender",
    "inspection",
    "testing",
    "quarantine",
    "appraisal",
    "expert_review",
]
"""What a clock stands for: what 行政许可法 art. 45 names, a supplement 补正, and other departments' answers where the item says so."""


Light = Literal["green", "yellow", "red", "overdue"]
"""红黄灯. ``overdue`` 超期: the promised limit has passed."""

SupervisionMoment = Literal["deemed", "material", "stop", "step", "yellow", "red", "promised", "statutory"]
"""What supervision looks at: nobody examined in time; a promised material, a stop or a step is over its time; the clock's four."""

SupervisionStage = Literal["light", "urge", "escalate", "order"]
"""A light changes, somebody is urged 催办, it goes up a level, a supervision order 督办 is given."""


class Promise(Struct, frozen=True, kw_only=True):
    """容缺受理: a material that the applicant hands in later, and until when."""

    material: str
    until: datetime
