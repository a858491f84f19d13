"""What a citizen can apply for, and who answers for it: items, regions and departments.

Items are data (``layers/catalogue``), reviewed like code and immutable once published: a case is pinned to one
``task_code`` and ``task_version``. Field names follow GB/T 39046-2020 where that standard has one.

Rules are CEL expressions kept as text. The domain never evaluates CEL itself: it is handed an ``Evaluate``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from .validity import Dated, Held, Span, Tenure

Facts = Mapping[str, Any]
"""What a rule may look at: ``form``, ``materials``, ``applicant``, ``place``, ``today``, ``collaboration``."""

Evaluate = Callable[[str, Facts], bool]
"""Evaluates one CEL expression over the facts. Raises ``RuleFailed`` when the expression has no boolean answer."""


class RuleFailed(Exception):
    """A rule could not be evaluated over the facts of a case: missing key, wrong type."""


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence for people: Chinese first, English beside it."""

    zh: str
    en: str


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """A time limit in working days, with the article or promise it rests on."""

    days: int
    basis: str


class Extension(Struct, frozen=True, forbid_unknown_fields=True):
    """延长: by how many working days at most, and whose head approves it: the department's, or the government's (art. 42)."""

    days: int
    basis: str
    approved_by: Literal["department", "government"] = "department"


class Lights(Struct, frozen=True, forbid_unknown_fields=True):
    """红黄灯: the parts of the promised limit after which a case turns yellow, and red."""

    yellow: float = 0.5
    red: float = 0.8


class Procedure(Struct, frozen=True, forbid_unknown_fields=True):
    """特别程序: one that this item may need; its time is not counted (行政许可法 art. 45). ``days`` it should take at most."""

    kind: Literal["hearing", "tender", "inspection", "testing", "quarantine", "appraisal", "expert_review"]
    days: int
    basis: str


class Material(Struct, frozen=True, forbid_unknown_fields=True):
    """One material 材料 an applicant hands in.

    ``necessity`` is ``required``, ``conditional`` (needed when the CEL expression ``when`` holds) or ``optional``.
    ``later_days`` (working days) lets an applicant promise it instead 容缺受理; it is then needed before step ``needed_by``
    (the last one, where none is named).
    """

    code: str
    name: Text
    necessity: Literal["required", "conditional", "optional"] = "required"
    when: str = ""
    form: Literal["original", "copy", "electronic"] = "electronic"
    source: str = ""
    copies: int = 1
    basis: str = ""
    later_days: int = 0
    needed_by: str = ""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """A reviewed condition. ``when`` is CEL; what its truth means depends on the list that the rule stands in.

    ``field`` names the form field or material the citizen must change, where there is one.
    """

    id: str
    when: str
    reason: Text
    field: str = ""


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """One question to one department, named by capability 职责 and place.

    ``place`` is ``case`` (the case's own place) or the name of a form field that holds a region code. ``fields`` are the form's
    fields that the answer needs (None: all that are not personal), ``personal`` those of its personal ones; others are not
    shown to who answers. ``days`` is a limit of its own in working days, inside the event's (0: the event's). A ``lead`` 主办
    must itself have agreed before the others' 协办 agreement counts.
    """

    capability: str
    question: Text
    place: str = "case"
    fields: tuple[str, ...] | None = None
    personal: tuple[str, ...] = ()
    days: int = 0
    lead: bool = False


class Join(Struct, frozen=True, forbid_unknown_fields=True):
    """When the answers are enough: ``all``, ``any`` or ``quorum`` (``count`` of them) must agree."""

    policy: Literal["all", "any", "quorum"] = "all"
    count: int = 0


Check = Literal["nobody", "centre"]
"""Who looks at a report 核查 before it counts: nobody, or an operator of the centre in charge."""


class Collaboration(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks other departments for help when ``when`` (CEL) holds. ``stops_clock`` names the article by which the answers' time
    does not count; empty: it counts. ``after`` names collaborations of the item that must be concluded before this one is asked;
    ``sign_days`` (working days, 0: none) is the limit for signing a task.
    """

    id: str
    when: str
    asks: tuple[Ask, ...]
    join: Join
    days: int
    on_timeout: Literal["proceed", "deny", "lift"] = "lift"
    stops_clock: str = ""
    after: tuple[str, ...] = ()
    sign_days: int = 0
    checked_by: Check = "nobody"


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step 环节 of approval: what it is (承办 handle, 审核 review, 批准 approve), done by rule or by an officer.

    ``id`` tells steps of the same name apart (the name, where there is none). ``after`` names the steps that must be done
    before (the one before it in the list, where none is named; an empty name stands for the beginning), so steps may run side
    by side. ``when`` (CEL) makes it optional. ``role`` may do it (empty: whom the policy lets); ``days`` is its part of the
    promised limit (0: no limit of its own).
    """

    name: Literal["handle", "review", "approve"]
    by: Literal["rule", "clerk"]
    id: str = ""
    title: Text | None = None
    after: tuple[str, ...] = ()
    when: str = ""
    role: Literal["", "clerk", "reviewer", "supervisor"] = ""
    days: int = 0

    @property
    def key(self) -> str:
        """What names the step within its item."""
        return self.id or self.name


class Certificate(Struct, frozen=True, forbid_unknown_fields=True):
    """The document a granted case ends with. ``valid_days`` of None means it does not expire."""

    name: Text
    valid_days: int | None = None


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """A plainly invented application that the item accepts; checked at load, used by the demonstration.

    ``form`` holds the whole form, personal fields included; ``materials`` the codes handed in.
    """

    form: dict[str, Any]
    materials: tuple[str, ...]


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """What people have in mind when they look for an item 场景: opening a restaurant, moving to the city."""

    code: str
    name: Text


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """A government item 事项 in one published version.

    ``catalog_code`` is the 基本编码 that the item has in the national catalogue. ``kind`` is GB/T 39046-2020 A.6: 1 即办件, 2 承诺件,
    9 other. ``audience`` holds applicant types (A.4). ``form`` is a JSON Schema (2020-12) object; ``personal`` names its
    fields that are sealed before they leave intake and that no rule may read. ``eligibility`` rules must all hold, else the
    case is refused; ``completeness`` rules must all hold, else a supplement notice names them; any ``denial`` rule that
    holds denies the case at the rule step. ``assurance`` is the real-name level (``domain/account.py``) that whoever
    applies must have. ``accepted_by`` says who examines an application: the rules at once, or an officer within five
    working days. ``supplement_days`` (working days) is how long an applicant has for a supplement; ``extension`` of None
    means that the limit is not extended. ``recheck`` is the part of the cases decided by rule alone that an officer looks
    at afterwards. ``documents`` names templates of ``documents.yaml`` for kinds of documents (``domain/document.py``) that
    are not to look like everybody's.
    """

    task_code: str
    task_version: int
    name: Text
    summary: Text
    item_type: str
    kind: Literal[1, 2, 9]
    capability: str
    legal_basis: tuple[str, ...]
    audience: tuple[Literal[1, 2, 3, 4, 5, 6], ...]
    statutory: Limit
    promised: Limit
    materials: tuple[Material, ...]
    form: dict[str, Any]
    steps: tuple[Step, ...]
    example: Example
    catalog_code: str = ""
    aliases: tuple[str, ...] = ()
    assurance: Literal[1, 2, 3] = 1
    scenarios: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    eligibility: tuple[Rule, ...] = ()
    completeness: tuple[Rule, ...] = ()
    collaborations: tuple[Collaboration, ...] = ()
    denial: tuple[Rule, ...] = ()
    certificate: Certificate | None = None
    accepted_by: Literal["rule", "clerk"] = "rule"
    supplement_days: int = 15
    extension: Extension | None = None
    lights: Lights = Lights()
    procedures: tuple[Procedure, ...] = ()
    recheck: float = 0.0
    documents: dict[str, str] = {}

    @property
    def material_codes(self) -> frozenset[str]:
        """The codes of all materials."""
        return frozenset(material.code for material in self.materials)


class Prerequisite(Struct, frozen=True, forbid_unknown_fields=True):
    """A member of a joint item that must be granted first.

    Its certificate stands for the materials that it ``waives``; its number goes into the form field that it ``fills``.
    """

    item: str
    waives: tuple[str, ...] = ()
    fills: str = ""


class JointMember(Struct, frozen=True, forbid_unknown_fields=True):
    """One item of a joint item.

    ``fields`` and ``materials`` map the item's names to those of the joint form where they differ; ``fixed`` fields have
    one value here and are not asked. An ``optional`` member is applied for only when the applicant wants it.
    """

    item: str
    optional: bool = False
    after: tuple[Prerequisite, ...] = ()
    fields: dict[str, str] = {}
    materials: dict[str, str] = {}
    fixed: dict[str, Any] = {}


class JointItem(Struct, frozen=True, forbid_unknown_fields=True):
    """一件事: items that people need together, in one published version. ``domain/joint_item.py`` merges them."""

    joint_code: str
    joint_version: int
    name: Text
    summary: Text
    members: tuple[JointMember, ...]
    example: Example
    scenarios: tuple[str, ...] = ()


class Region(Struct, frozen=True, forbid_unknown_fields=True):
    """A place with a governance centre. ``level`` is GB/T 39046-2020 A.2: 3 city, 4 district, 5 town."""

    code: str
    name: Text
    level: Literal[3, 4, 5]
    parent: str | None = None


class Department(Dated, frozen=True, forbid_unknown_fields=True):
    """A department 部门 of one region and the capabilities 职责 it answers for there, while it is there (``since``, ``until``).

    ``connected`` says how messages reach it: ``here`` (its officers work in this deployment), ``kafka`` or ``http`` (a system of
    its own), ``link`` (an outside party 外部单位 without an account: a utility, a village committee). One that has ended is asked
    nothing new; it finishes what it has, and what it did names it for ever.
    """

    code: str
    name: Text
    region: str
    capabilities: tuple[str | Held, ...]
    connected: Literal["here", "kafka", "http", "link"] = "here"

    @property
    def duties(self) -> Iterator[tuple[str, Span]]:
        """Its capabilities, each with the days on which it answers for it."""
        for one in self.capabilities:
            yield (one, self.span) if isinstance(one, str) else (one.code, one.span.within(self.span))

    def answers_for(self, capability: str, day: date) -> bool:
        """Whether it answers for a capability on a day."""
        return any(code == capability and span.holds(day) for code, span in self.duties)


class Organisation(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """One city's tree of regions and the departments in it."""

    regions: tuple[Region, ...]
    departments: tuple[Department, ...]

    @cached_property
    def region(self) -> dict[str, Region]:
        """Regions by code."""
        return {region.code: region for region in self.regions}

    @cached_property
    def department(self) -> dict[str, Department]:
        """Departments by code."""
        return {department.code: department for department in self.departments}

    @cached_property
    def responsible(self) -> dict[tuple[str, str], tuple[Tenure, ...]]:
        """Who answers, and when, by (capability, region code), in the order of the file."""
        found: dict[tuple[str, str], list[Tenure]] = {}
        for one in self.departments:
            for capability, span in one.duties:
                found.setdefault((capability, one.region), []).append(Tenure(one.code, span))
        return {key: tuple(tenures) for key, tenures in found.items()}

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """All capabilities that some department answers for on some day."""
        return frozenset(capability for capability, _ in self.responsible)

    def is_here(self, code: str) -> bool:
        """Whether this is a department whose officers work in this deployment."""
        return code in self.department and self.department[code].connected == "here"

    def lineage(self, region_code: str) -> tuple[str, ...]:
        """The region and those above it, nearest first. Raises KeyError for an unknown region."""
        codes = [region_code]
        while (parent := self.region[codes[-1]].parent) is not None:
            codes.append(parent)
        return tuple(codes)


class Catalogue(Struct, frozen=True):
    """The newest version of each item by ``task_code``, every version by code and version, the organisation, the scenarios,
    and the joint items in the same two ways.

    New cases take the newest version; a case in hand stays with the version it began with.
    """

    items: dict[str, Item]
    organisation: Organisation
    versions: dict[tuple[str, int], Item]
    scenarios: tuple[Scenario, ...] = ()
    joint: dict[str, JointItem] = {}
    joint_versions: dict[tuple[str, int], JointItem] = {}

    @classmethod
    def of(
        cls,
        items: Iterable[Item],
        organisation: Organisation,
        scenarios: tuple[Scenario, ...] = (),
        joint: Iterable[JointItem] = (),
    ) -> "Catalogue":
        """The catalogue of these items, several versions of one among them."""
        versions = {(item.task_code, item.task_version): item for item in items}
        newest = {code: versions[code, version] for code, version in sorted(versions)}
        together = {(one.joint_code, one.joint_version): one for one in joint}
        return cls(
            items=newest,
            organisation=organisation,
            versions=versions,
            scenarios=scenarios,
            joint={code: together[code, version] for code, version in sorted(together)},
            joint_versions=together,
        )

    def item_name(self, task_code: str, task_version: int | None = None) -> Text:
        """An item's name in one version, in the present one without it; its code where the catalogue has it no longer."""
        known = self.items.get(task_code) if task_version is None else self.versions.get((task_code, task_version))
        return known.name if known else Text(zh=task_code, en=task_code)
