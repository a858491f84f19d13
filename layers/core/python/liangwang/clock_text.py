"""A case's clock in a sentence: when it started, the limit, what it stood for and by which article, and when it is due.

"受理 11-02，法定 20 个工作日，补正暂停 3 日（第三十二条），到期 12-03，承诺 11-19 前办结，剩余 11 个工作日".
"""

import re
from datetime import date, datetime

from . import texts
from .domain.case_no import SHANGHAI
from .domain.catalogue import Text
from .domain.statutory_clock import Clock, Stop, day_told, remaining
from .domain.working_days import Calendar

LAW = "行政许可法"
"""The law that is meant where none is named."""
_ARTICLE = re.compile(r"第([零〇一二三四五六七八九十百]+)条")
_DIGITS = {sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {"零": 0}


def explain(clock: Clock, calendar: Calendar | None, now: datetime, *, decided_at: datetime | None = None) -> Text:
    """The explanation in both languages, as of ``now``; of a decided case as of ``decided_at``.

    Without a calendar it does not say what remains. Days are named without their year where it is the present one. The
    articles of 行政许可法 go without its name.
    """
    if calendar is None:
        return _joined([*_ledger(clock, now), *_dates(clock, now)])
    moment = now if decided_at is None else decided_at
    left = _left(clock, calendar, moment, decided=None if decided_at is None else _day(day_told(decided_at), now))
    return _joined([*_ledger(clock, now), *_dates(clock, now), left])


def _joined(parts: list[Text]) -> Text:
    return Text(zh="，".join(part.zh for part in parts), en=", ".join(part.en for part in parts))


def _ledger(clock: Clock, now: datetime) -> list[Text]:
    due, extension = clock.due, clock.extension
    own_days = due.statutory_days - (extension.days if extension else 0)
    parts = [_say("started", day=_day(due.started_on, now)), _say("limit", days=_days(own_days, "working"))]
    parts += [_stop(stop, now) for stop in clock.stops]
    over = [stop for stop in clock.stops if stop.until is not None]
    if sum(stop.days for stop in over) > clock.stopped and clock.standing_since is None:
        parts.append(_say("stopped_once", days=_days(clock.stopped, "plain")))
    if extension is not None:
        parts.append(_say("extended", days=_days(extension.days, "plain"), basis=_basis(extension.basis)))
    return parts


def _stop(stop: Stop, now: datetime) -> Text:
    cause, basis = texts.text(f"word.{stop.cause}"), _basis(stop.basis)
    if stop.until is not None:
        return _say("stopped", cause=cause, days=_days(stop.days, "plain"), basis=basis)
    stands = _say("stands", cause=cause, day=_day(stop.since, now), basis=basis)
    if stop.ends_by is None:
        return stands
    ends_by = _say("stands_until", day=_day(day_told(stop.ends_by), now))
    return Text(zh=stands.zh + ends_by.zh, en=stands.en + ends_by.en)


def _dates(clock: Clock, now: datetime) -> list[Text]:
    due = clock.due
    last = day_told(due.statutory_at)
    mark = _say("provisional") if due.provisional else Text(zh="", en="")
    promised = _day(day_told(due.promised_at), now)
    return [
        _say("due" if clock.standing_since is None else "due_later", day=_day(last, now), mark=mark),
        _say("promised", day=promised),
    ]


def _left(clock: Clock, calendar: Calendar, moment: datetime, *, decided: str | None) -> Text:
    """What remains of the statutory limit, or which limit has passed; of a decided case the day, and which had passed."""
    left = remaining(clock, calendar, moment)
    promised = remaining(clock, calendar, moment, limit="promised")
    key, days = "left", left
    if left < 0:
        key, days = "statute_passed", -left
    elif promised < 0:
        key, days = "promise_passed", -promised
    if decided is None:
        return _say(key, days=_days(days, "working"), left=_days(max(0, left), "working"))
    return _say("decided" if key == "left" else f"decided_{key}", day=decided, days=_days(days, "working"))


def _basis(basis: str) -> Text:
    """The articles of 行政许可法 alone; of another law as it is named."""
    first = _ARTICLE.search(basis)
    if LAW not in basis or first is None:
        return Text(zh=basis, en=basis)
    numbers = ", ".join(str(_number(one)) for one in _ARTICLE.findall(basis))
    return Text(zh=basis[first.start() :], en=texts.text("clock.article", number=numbers).en)


def _number(chinese: str) -> int:
    """A number up to 999 as laws write it: 一百二十三."""
    total = digit = 0
    for sign in chinese:
        if (unit := {"十": 10, "百": 100}.get(sign)) is not None:
            total, digit = total + (digit or 1) * unit, 0
        else:
            digit = _DIGITS[sign]
    return total + digit


def _day(day: date, now: datetime) -> str:
    return f"{day:%m-%d}" if day.year == now.astimezone(SHANGHAI).year else day.isoformat()


def _days(count: int, kind: str) -> Text:
    return texts.text(f"clock.{kind}_{'day' if count == 1 else 'days'}", count=count)


def _say(key: str, **values: str | Text) -> Text:
    """A part of the sentence, with its values in each language."""
    zh = {name: value.zh if isinstance(value, Text) else value for name, value in values.items()}
    en = {name: value.en if isinstance(value, Text) else value for name, value in values.items()}
    return Text(zh=texts.text(f"clock.{key}", **zh).zh, en=texts.text(f"clock.{key}", **en).en)
