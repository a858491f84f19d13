"""情形引导: a few questions, and what they mean for the applicant: materials, eligibility, limits, the department.

Open to everybody, so nothing personal is asked or taken: rules read no personal field. Nothing is kept.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from .. import texts
from ..domain import routing
from ..domain.catalogue import Catalogue, Evaluate, Item, Limit, Material, Text
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.guidance import Advice, Situation, advise
from ..domain.rule_reading import reads
from ..domain.validity import day_of
from ..forms import canonical, named, partial
from ..http import Request

Need = Literal["needed", "not_needed", "optional", "not_yet_known"]
Eligibility = Literal["eligible", "not_eligible", "not_yet_known"]


class Answers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the asker has said so far: some form fields, optional fields left empty, materials at hand, place, who applies."""

    answers: dict[str, Any] = {}
    empty: tuple[str, ...] = ()
    materials: tuple[str, ...] | None = None
    place: str | None = None
    applicant_type: Literal[1, 2, 3, 4, 5, 6] | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """One answer that a question offers, and its name in Chinese."""

    value: Any
    label: str


class Question(Struct, frozen=True, kw_only=True):
    """A form field whose answer can still change something. ``field_schema`` is its part of the form's JSON Schema."""

    field: str
    title: Text
    optional: bool
    choices: tuple[Choice, ...] = ()
    field_schema: dict[str, Any] = {}


class MaterialAdvice(Struct, frozen=True, kw_only=True):
    """Whether a material must be handed in, and why. With ``later_days`` it may be promised instead, and come so many working
    days after acceptance 容缺受理; 0: it may not.
    """

    code: str
    name: Text
    need: Need
    reason: Text
    form: str
    copies: int
    source: str = ""
    basis: str = ""
    later_days: int = 0


class Objection(Struct, frozen=True, kw_only=True):
    """Why the application would be refused, or what would have to be put right, and the field concerned."""

    reason: Text
    field: str = ""


class Consultation(Struct, frozen=True, kw_only=True):
    """Other departments that would be asked: by their capabilities, and within how many days they answer."""

    asked: bool | None
    capabilities: tuple[str, ...]
    days: int


class Responsible(Struct, frozen=True, kw_only=True):
    """The department that would handle the application."""

    code: str
    name: Text


class GuidanceView(Struct, frozen=True, kw_only=True):
    """What the answers decide. ``questions`` and ``missing`` (other facts) are empty when nothing can change any more."""

    task_code: str
    task_version: int
    name: Text
    questions: tuple[Question, ...]
    missing: tuple[str, ...]
    eligibility: Eligibility
    refusals: tuple[Objection, ...]
    corrections: tuple[Objection, ...]
    materials: tuple[MaterialAdvice, ...]
    consultations: tuple[Consultation, ...]
    promised: Limit
    statutory: Limit
    department: Responsible | None = None


class Guidance:
    """What an application would need, before anybody applies. Each method is one route."""

    def __init__(self, catalogue: Catalogue, evaluate: Evaluate) -> None:
        self._catalogue = catalogue
        self._evaluate = evaluate

    def begin(self, request: Request) -> GuidanceView:
        """The questions of an item, before any is answered. Raises NotFound."""
        return self._guide(request, Answers())

    def guide(self, request: Request) -> GuidanceView:
        """What the answers decide, and what is still to be asked. Raises NotFound, and Invalid for an answer that does not fit."""
        return self._guide(request, request.body)

    def _guide(self, request: Request, told: Answers) -> GuidanceView:
        task_code = request.path["task_code"]
        item = self._catalogue.items.get(task_code)
        if item is None:
            raise NotFound(f"no item {task_code}; see GET /api/items")
        self._check(item, told)
        answers = canonical(told.answers)
        known = Situation(
            answers=answers,
            now=request.now,
            empty=told.empty,
            materials=told.materials,
            place=told.place,
            applicant_type=told.applicant_type,
        )
        advice = advise(item, known, evaluate=self._evaluate)
        return self._view(item, told, answers, advice, now=request.now)

    def _check(self, item: Item, told: Answers) -> None:
        """Raises Invalid for what is no answer to this form."""
        found = [
            Violation(f"answers.{name}", "is personal and decides nothing; leave it out until you apply")
            for name in told.answers
            if name in item.personal
        ]
        others = {name: value for name, value in told.answers.items() if name not in item.personal}
        found += named(partial(item.form), others, under="answers")
        may_be_empty = item.form["properties"].keys() - set(item.form.get("required", ())) - told.answers.keys()
        for position, name in enumerate(told.empty):
            if name not in may_be_empty:
                found.append(Violation(f"empty[{position}]", "name an optional field that has no answer"))
        materials = {material.code for material in item.materials}
        for position, code in enumerate(told.materials or ()):
            if code not in materials:
                found.append(Violation(f"materials[{position}]", f"use one of: {', '.join(sorted(materials))}"))
        if told.place is not None:
            found += routing.misplaced(self._catalogue.organisation, told.place)
        if found:
            raise Invalid("the answers do not fit the item; see errors", violations=tuple(found))

    def _view(
        self, item: Item, told: Answers, answers: dict[str, Any], advice: Advice, *, now: datetime
    ) -> GuidanceView:
        said = {**dict.fromkeys(told.empty), **answers}
        refusals = [Objection(reason=rule.reason, field=rule.field) for rule in advice.refusals]
        if told.applicant_type is not None and told.applicant_type not in item.audience:
            refusals.insert(0, Objection(reason=texts.text("guidance.audience"), field="applicant_type"))
        return GuidanceView(
            task_code=item.task_code,
            task_version=item.task_version,
            name=item.name,
            questions=tuple(_question(item, name) for name in advice.questions),
            missing=advice.missing,
            eligibility=_ELIGIBILITY[advice.eligible],
            refusals=tuple(refusals),
            corrections=tuple(Objection(reason=rule.reason, field=rule.field) for rule in advice.corrections),
            materials=tuple(_material(item, material, held, said) for material, held in advice.materials),
            consultations=tuple(
                Consultation(asked=held, capabilities=tuple(ask.capability for ask in one.asks), days=one.days)
                for one, held in advice.collaborations
            ),
            promised=item.promised,
            statutory=item.statutory,
            department=self._department(item, told.place, now),
        )

    def _department(self, item: Item, place: str | None, now: datetime) -> Responsible | None:
        if place is None:
            return None
        found = routing.responsible(
            self._catalogue.organisation, capability=item.capability, place=place, day=day_of(now)
        )
        return Responsible(code=found.code, name=found.name) if found else None


_ELIGIBILITY: dict[bool | None, Eligibility] = {True: "eligible", False: "not_eligible", None: "not_yet_known"}


def _question(item: Item, name: str) -> Question:
    field: dict[str, Any] = item.form["properties"][name]
    labels = field.get("x-labels", {})
    return Question(
        field=name,
        title=_title(item, name),
        optional=name not in item.form.get("required", ()),
        choices=tuple(Choice(value=value, label=labels.get(value, str(value))) for value in field.get("enum", ())),
        field_schema=field,
    )


def _title(item: Item, name: str) -> Text:
    field = item.form["properties"][name]
    return Text(zh=field["title"], en=field["x-title-en"])


def _material(item: Item, material: Material, held: bool | None, said: dict[str, Any]) -> MaterialAdvice:
    need, reason = _need(item, material, held, said)
    return MaterialAdvice(
        code=material.code,
        name=material.name,
        need=need,
        reason=reason,
        form=material.form,
        copies=material.copies,
        source=material.source,
        basis=material.basis,
        later_days=material.later_days,
    )


def _need(item: Item, material: Material, held: bool | None, said: dict[str, Any]) -> tuple[Need, Text]:
    """Whether the material is needed and why; ``said`` holds None for what is left empty."""
    if material.necessity == "required":
        return "needed", texts.text("guidance.always")
    if material.necessity == "optional":
        return "optional", texts.text("guidance.optional")
    looked_at = [name for name in item.form["properties"] if name in reads(material.when).fields]
    if held is None:
        open_titles = [_title(item, name) for name in looked_at if name not in said]
        return "not_yet_known", _joined("guidance.depends", "fields", open_titles)
    need: Need = "needed" if held else "not_needed"
    answered = [_answered(item, name, said[name]) for name in looked_at if name in said]
    return need, _joined(f"guidance.{need}", "answers", answered)


def _joined(key: str, name: str, parts: list[Text]) -> Text:
    """A text with a list in it, in each language's own punctuation."""
    zh = texts.text(key, **{name: "；".join(part.zh for part in parts)}).zh
    en = texts.text(key, **{name: "; ".join(part.en for part in parts)}).en
    return Text(zh=zh, en=en)


def _answered(item: Item, name: str, value: Any) -> Text:
    """An answer as people read it."""
    title = _title(item, name)
    if value is None or isinstance(value, bool):
        word = texts.text({None: "answer.empty", True: "answer.yes", False: "answer.no"}[value])
    else:
        labels = item.form["properties"][name].get("x-labels", {})
        word = Text(zh=str(labels.get(value, value)) if isinstance(value, str) else str(value), en=str(value))
    return Text(zh=f"{title.zh}：{word.zh}", en=f"{title.en}: {word.en}")
