"""The words of a notification, in Chinese and English. They name the case, the item, the department and dates, no person."""

from datetime import datetime

from msgspec import Struct

from . import texts
from .domain.case_no import SHANGHAI
from .domain.catalogue import Catalogue, Text
from .domain.notification import Facts, Notification


class Notice(Struct, frozen=True, kw_only=True):
    """A notification in words: the title is the subject of a mail and the whole of a text message."""

    title: Text
    body: Text


class Notices:
    """Puts notifications into words with the catalogue's names."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def notice(self, told: Notification) -> Notice:
        """The words of one notification."""
        zh, en = self._values(told.facts, "zh"), self._values(told.facts, "en")
        title, body = f"notification.{told.kind}.title", f"notification.{told.kind}.body"
        return Notice(
            title=Text(zh=texts.text(title, **zh).zh, en=texts.text(title, **en).en),
            body=Text(zh=texts.text(body, **zh).zh, en=texts.text(body, **en).en),
        )

    def item_name(self, task_code: str, task_version: int | None = None) -> Text:
        """An item's name in one version, in the present one without it; its code where the catalogue has it no longer."""
        return self._catalogue.item_name(task_code, task_version)

    def department_name(self, code: str) -> Text:
        """A department's name; its code where the organisation no longer has it."""
        found = self._catalogue.organisation.department.get(code)
        return found.name if found else Text(zh=code, en=code)

    def _values(self, facts: Facts, language: str) -> dict[str, object]:
        points = (f"{n}. {getattr(point.reason, language)}" for n, point in enumerate(facts.points, start=1))
        return {
            "case_no": facts.case_no,
            "item": getattr(self.item_name(facts.task_code, facts.task_version), language),
            "department": getattr(self.department_name(facts.department), language),
            "number": facts.number,
            "step": getattr(texts.step(facts.step), language),
            "count": len(facts.points),
            "points": "；".join(points) if language == "zh" else "; ".join(points),
            "certificate": _certificate(facts, language),
            "until": day(facts.until, language) or getattr(texts.text("word.open_end"), language),
        }


def day(at: datetime | None, language: str) -> str:
    """A date as it is written in a language (Asia/Shanghai); empty for none."""
    if at is None:
        return ""
    local = at.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日" if language == "zh" else f"{local:%Y-%m-%d}"


def _certificate(facts: Facts, language: str) -> str:
    if facts.certificate is None:
        return ""
    key = "notification.certificate_until" if facts.until else "notification.certificate"
    name, until = getattr(facts.certificate, language), day(facts.until, language)
    text: str = getattr(texts.text(key, name=name, number=facts.number, until=until), language)
    return text
