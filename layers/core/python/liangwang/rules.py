"""The rules of the catalogue, evaluated with CEL (https://cel.dev), Google's expression language for conditions.

CEL always ends, has no side effects and reads like the sentence it stands for:
``form.area > 100 && "layout" in materials``.
``Rules.evaluate`` is the ``Evaluate`` that the domain is handed. docs/catalogue.md lists the facts for authors.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from cel_expr_python import cel

from liangwang.domain.catalogue import Facts, RuleFailed


def _first_line(error: Exception) -> str:
    """CEL's own reason without the drawing of the expression that follows it."""
    line = str(error).splitlines()[0]
    return line.removeprefix("INVALID_ARGUMENT: ERROR: <input>:")


_CHINA = timezone(timedelta(hours=8))  # one zone for the whole country, no summer time


def _bound(facts: Facts) -> dict[str, Any]:
    """The facts as CEL takes them: lists for tuples, and ``today`` as the calendar day in China.

    CEL knows no days, only points in time, and ``today.getFullYear()`` and the like answer in UTC: so midnight UTC
    stands for the day. Otherwise a case of 1 January, 07:00 in Yunchuan would be judged by last year's age.
    """
    bound = dict(facts)
    if isinstance(materials := bound.get("materials"), tuple):
        bound["materials"] = list(materials)
    today = bound.get("today")
    if isinstance(today, datetime):
        today = today.astimezone(_CHINA).date()
    if isinstance(today, date):
        bound["today"] = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return bound


class Rules:
    """Compiles each expression once, when it is first needed, and evaluates it over the facts of a case.

    Compiling every rule of the catalogue at start would delay the first answer of a function that needs three of them.
    """

    def __init__(self) -> None:
        self._programs: dict[str, cel.Expression] = {}

    @cached_property
    def _environment(self) -> cel.Env:
        """What an expression may name, with its type. ``dyn`` values are checked when the rule runs."""
        text, anything = cel.Type.STRING, cel.Type.DYN
        return cel.NewEnv(
            variables={
                "form": cel.Type.Map(text, anything),
                "materials": cel.Type.List(text),
                "applicant": cel.Type.Map(text, anything),
                "place": text,
                "today": cel.Type.TIMESTAMP,
                "collaboration": cel.Type.Map(text, anything),
            }
        )

    def _program(self, expression: str) -> cel.Expression:
        program = self._programs.get(expression)
        if program is None:
            try:
                program = self._environment.compile(expression)
            except RuntimeError as error:  # the binding raises nothing narrower
                raise RuleFailed(f"{expression}: {_first_line(error)}") from error
            self._programs[expression] = program
        return program

    def evaluate(self, expression: str, facts: Facts) -> bool:
        """The answer of one CEL expression over the facts of one case.

        ``facts["today"]`` is a ``date`` or an aware ``datetime``. Raises ``RuleFailed`` with the expression and the
        reason when it does not compile, stumbles (a missing key, a wrong type) or answers anything but true or false.
        """
        # An evaluation error comes back as a value of type ERROR, which is never a bool, instead of being raised.
        answer = self._program(expression).eval(data=_bound(facts))
        if answer.type() == cel.Type.ERROR:
            raise RuleFailed(f"{expression}: {answer.value()}")
        verdict = answer.value()
        if not isinstance(verdict, bool):
            raise RuleFailed(f"{expression}: answers {answer.type().name()}, not true or false")
        return verdict

    def check(self, expression: str) -> None:
        """Compiles the expression. Raises ``RuleFailed`` when it is no CEL, names an unknown fact or answers no bool.

        ``form.some_flag`` alone has the type ``dyn`` and passes: what it holds is known only when the rule runs.
        """
        answers = self._program(expression).return_type()
        if answers not in (cel.Type.BOOL, cel.Type.DYN):
            raise RuleFailed(f"{expression}: answers {answers.name()}, not true or false")
