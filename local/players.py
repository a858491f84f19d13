"""The demo's people: citizens who apply, mend and withdraw, and clerks who work their queues, all over HTTP."""

from __future__ import annotations

import random
import threading
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from liangwang.domain import routing
from liangwang.domain.catalogue import Catalogue, Item
from liangwang.domain.responsibilities import Responsibilities
from liangwang.domain.validity import day_of
from msgspec import Struct, convert

from local import accounts
from local.api import Api, ApiError


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of application; see scenarios.yaml."""

    item: str
    form: dict[str, Any] = {}
    leave_out: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    mend: dict[str, Any] = {}
    then: str = ""
    weight: int = 1


class Wish(Struct, frozen=True):
    """One application that one citizen is going to make; ``key`` is its Idempotency-Key."""

    citizen: str
    place: str
    scenario: Scenario
    key: str

    def body(self, item: Item) -> dict[str, Any]:
        """The application as the API takes it."""
        missing = (*self.scenario.leave_out, *self.scenario.later)
        materials = [one.code for one in item.materials if one.code not in missing]
        form = {**item.example.form, **self.scenario.form}
        return {
            "task_code": item.task_code,
            "place": self.place,
            "form": form,
            "materials": materials,
            "promises": self.scenario.later,
            "allow_duplicate": True,  # few people play many
        }


def scenarios() -> list[Scenario]:
    """The lines of scenarios.yaml."""
    return convert(yaml.safe_load((Path(__file__).parent / "scenarios.yaml").read_bytes()), list[Scenario])


def wishes(count: int, catalogue: Catalogue, *, seed: int, chosen: Sequence[Scenario] = ()) -> list[Wish]:
    """A mixed lot of applications, the same for the same seed."""
    dice = random.Random(seed)  # nosec B311
    lines = list(chosen) or scenarios()
    towns = [region.code for region in catalogue.organisation.regions if region.level == 5]
    picked = dice.choices(lines, weights=[line.weight for line in lines], k=count)
    run = uuid.uuid4().hex  # the lot is the same for the same seed, the cases are new ones
    return [
        Wish(_applicant(dice, catalogue.items[scenario.item]), dice.choice(towns), scenario, f"demo-{run}-{number}")
        for number, scenario in enumerate(picked)
    ]


def _applicant(dice: random.Random, item: Item) -> str:
    fitting = [n for n in range(1, accounts.CITIZENS + 1) if accounts.applicant_type(n) in item.audience]
    return accounts.citizen(dice.choice(fitting))


class Desk(NamedTuple):
    """A worklist that some clerks look through: of cases or of tasks, at one department."""

    worklist: Literal["cases", "tasks"]
    department: str


def desks(lot: Iterable[Wish], catalogue: Catalogue, responsibilities: Responsibilities) -> list[Desk]:
    """The worklists on which these applications may land, as the domain routes them."""
    now = datetime.now(UTC)
    rules, today = responsibilities.at(now), day_of(now)
    found: dict[Desk, None] = {}
    for wish in lot:
        item = catalogue.items[wish.scenario.item]
        form = {**item.example.form, **wish.scenario.form}
        if any(step.by == "clerk" for step in item.steps):
            found[Desk("cases", next(_line(catalogue, item.capability, wish.place, today)))] = None
        for ask in (ask for collaboration in item.collaborations for ask in collaboration.asks):
            place = str(form.get(ask.place, wish.place))
            known = place if place in catalogue.organisation.region else wish.place
            lineage = catalogue.organisation.lineage(known)
            about = rules.about(item=item.task_code, capability=ask.capability, lineage=lineage)
            found |= {Desk("tasks", code): None for rule in about for code in rule.to}
            found |= {Desk("tasks", code): None for code in _line(catalogue, ask.capability, known, today)}
    return list(found)


def _line(catalogue: Catalogue, capability: str, place: str, day: date) -> Iterator[str]:
    """The nearest department and those that would follow if it declined."""
    declined: list[str] = []
    tree = catalogue.organisation
    while one := routing.responsible(tree, capability=capability, place=place, day=day, besides=declined):
        declined.append(one.code)
        yield one.code


class Citizens:
    """Applies; then mends or withdraws where the scenario says so."""

    def __init__(self, api: Api, catalogue: Catalogue) -> None:
        self._api = api
        self._catalogue = catalogue

    def apply(self, wish: Wish) -> str:
        """Makes the application; answers its case number."""
        item = self._catalogue.items[wish.scenario.item]
        answer = self._api.post(wish.citizen, "/api/applications", wish.body(item), key=wish.key)
        return str(answer["case_no"])

    def follow_up(self, wish: Wish, case_no: str, *, seconds: float) -> None:
        """What the citizen does after applying."""
        if wish.scenario.then == "withdraw":
            self._withdraw(wish, case_no)
        elif wish.scenario.leave_out or wish.scenario.mend:
            self._mend(wish, case_no, seconds)
        elif wish.scenario.later:
            self._bring(wish, case_no, seconds)

    def _withdraw(self, wish: Wish, case_no: str) -> None:
        try:
            self._api.post(wish.citizen, f"/api/applications/{case_no}/withdrawal", {"reason": "示例撤回"})
        except ApiError as error:
            if error.document["status"] != 409:  # decided already: too late is an answer too
                raise

    def _mend(self, wish: Wish, case_no: str, seconds: float) -> None:
        path = f"/api/applications/{case_no}"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            view = self._api.get(wish.citizen, path)
            if view["status"] not in ("submitted", "supplementing"):
                return
            if view["status"] == "supplementing":
                codes = {one.code for one in self._catalogue.items[wish.scenario.item].materials}
                asked = [point["field"] for point in view["notice"]["points"] if point["field"] in codes]
                self._api.post(wish.citizen, f"{path}/supplement", {"form": wish.scenario.mend, "materials": asked})
                return
            time.sleep(0.1)

    def _bring(self, wish: Wish, case_no: str, seconds: float) -> None:
        """Hands in what was promised, once the department has accepted the promise."""
        path = f"/api/applications/{case_no}"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            view = self._api.get(wish.citizen, path)
            if view["decision"]:
                return  # denied before it was needed
            if view["promised"]:
                try:
                    self._api.post(wish.citizen, f"{path}/supplement", {"materials": list(wish.scenario.later)})
                except ApiError as error:
                    if error.document["status"] != 409:
                        raise
                return
            time.sleep(0.1)


class Clerks:
    """Clerks of some departments who take what lies on their desks until they are stopped.

    Most agree. By the case number, one task in twelve is declined, one in ten answered and one step in twenty decided
    against, so that a run shows every way.
    """

    def __init__(
        self, api: Api, catalogue: Catalogue, desks: Sequence[Desk], *, hands: int = 2, moods: bool = True
    ) -> None:
        self._api = api
        self._catalogue = catalogue
        self._moods = moods
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(desks[hand::hands],), daemon=True) for hand in range(hands)
        ]
        self.problems: list[str] = []

    def __enter__(self) -> Clerks:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, desks: Sequence[Desk]) -> None:
        pause = 0.2
        while not self._stop.is_set():
            done = sum(self._visit(desk) for desk in desks)
            pause = 0.2 if done else min(pause * 1.5, 0.5)
            self._stop.wait(pause)

    def _visit(self, desk: Desk) -> int:
        act = self._answer if desk.worklist == "tasks" else self._decide
        try:
            page = self._api.get(accounts.clerk(desk.department, 1), f"/api/{desk.worklist}", limit=100)
        except (ApiError, OSError) as error:
            self.problems.append(f"{desk}: {error}")
            return 0
        return sum(self._try(act, desk.department, work) for work in page[desk.worklist])

    def _try(self, act: Any, department: str, work: dict[str, Any]) -> int:
        try:
            act(department, work)
        except ApiError as error:
            if error.document["status"] != 409:  # withdrawn or recalled under the clerk's hands
                self.problems.append(f"{department}: {error}")
            return 0
        return 1

    def _answer(self, department: str, task: dict[str, Any]) -> None:
        path, mood = f"/api/tasks/{task['task_id']}", zlib.crc32(task["task_id"].encode())
        clerk = accounts.clerk(department, 1 + mood % accounts.CLERKS)
        if self._moods and mood % 12 == 0 and not task["forced"]:
            self._api.post(clerk, f"{path}/decline", {"reason": "示例：不属于本部门职责"})
        elif self._moods and mood % 10 == 1:
            self._api.post(clerk, f"{path}/report", {"opinion": "disagree", "explanation": "示例：现场不符合要求"})
        else:
            self._api.post(clerk, f"{path}/report", {"opinion": "agree"})

    def _officer(self, department: str, case: dict[str, Any]) -> str:
        """Another one for each step of a case: nobody does two."""
        steps = [one for one in self._catalogue.items[case["task_code"]].steps if one.by == "clerk"]
        number, step = next((n, one) for n, one in enumerate(steps, start=1) if one.key == case["step"])
        return accounts.officer(department, step.role, number)

    def _decide(self, department: str, case: dict[str, Any]) -> None:
        if case["status"] == "received":
            self._api.post(accounts.clerk(department, 1), f"/api/cases/{case['case_no']}/acceptance", {})
        if case["step"] is None:
            return
        clerk = self._officer(department, case)
        against = self._moods and zlib.crc32(f"{case['case_no']}{case['step']}".encode()) % 20 == 0
        body = {"step": case["step"], "opinion": "disagree" if against else "agree"}
        if against:
            body["explanation"] = "示例：不符合规定条件"
        self._api.post(clerk, f"/api/cases/{case['case_no']}/steps", body)
