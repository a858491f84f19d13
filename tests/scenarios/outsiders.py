"""Departments with systems of their own, as docs/messages.md asks them to behave: by Kafka alone, or by HTTP alone.

They know their tasks from what they were told, number what they say, say it again when they are asked again, and confirm recalls.
"""

import msgspec
from liangwang.domain import messages as m
from liangwang.domain.messages import BY_TYPE, TOPIC
from liangwang.envelope import Outgoing, decode, wrap

FETCH = "GET /exchange/department/messages"
TAKE = "POST /exchange/department/acknowledgements"
SAY = "POST /exchange/department/messages"


class Outsider:
    """One department's own system. ``tasks`` are those it was given, by id; ``said`` what it has said of each."""

    def __init__(self, stage, department):
        self.stage, self.department = stage, department
        self.tasks, self.said = {}, {}

    def newest(self, case_no, capability=""):
        """The task it was given last in a case; None when there is none."""
        found = [
            name
            for name, task in self.tasks.items()
            if task.case_no == case_no and capability in ("", task.ask.capability)
        ]
        return found[-1] if found else None

    def does(self, task_id, word, **words):
        """Says of a task that it is ``signed``, ``declined`` or ``reported``."""
        kind = {"signed": m.TaskSigned, "declined": m.TaskDeclined, "reported": m.TaskReported}[word]
        self._say(task_id, kind, by="示例系统", **words)

    def hears(self, message, round):
        """What the centre says to it, the first time or again."""
        if message.department != self.department:
            return
        match message:
            case m.TaskDispatched():
                self.tasks.setdefault(message.task_id, message)
            case m.TaskRecalled() if self._has_to_confirm(message.task_id):
                self._say(message.task_id, m.TaskStopped)
        if round:
            self._tell([(name, at, one, round) for name, at, one in self._of(message.task_id)])

    def _has_to_confirm(self, task_id):
        """A recall is confirmed once. Of a task that it was never given it knows nothing: the centre says everything again."""
        return task_id in self.tasks and not any(isinstance(one, m.TaskStopped) for _, _, one in self._of(task_id))

    def _of(self, task_id):
        return self.said.get(task_id, [])

    def _say(self, task_id, kind, **words):
        task, number = self.tasks[task_id], sum(len(one) for one in self.said.values()) + 1
        named = {"case_no": task.case_no, "task_id": task_id, "collaboration_id": task.collaboration_id}
        message = kind(**named, department=self.department, **words)
        entry = (f"{self.department}/{task.case_no}/{number}", self.stage.now, message)
        self.said.setdefault(task_id, []).append(entry)
        self._tell([(*entry, 0)])


class OnKafka(Outsider):
    """Reads and writes the topics itself."""

    def reads(self, records):
        """What came over the wire."""
        for record in records:
            if record.topic == TOPIC[m.TaskDispatched]:
                event = decode(record.value)
                self.hears(event.data, event.round)

    def calls(self):
        """It is told; it need not ask."""
        return False

    def _tell(self, entries):
        self.stage.wire.send(
            [
                Outgoing(TOPIC[type(message)], message.case_no, wrap(message, id=name, time=at, round=round))
                for name, at, message, round in entries
            ]
        )


class OnHttp(Outsider):
    """Has no access to the bus: it fetches from its mailbox, and hands in what it says."""

    def reads(self, records):
        """It sees nothing of the bus."""

    def calls(self):
        """Fetches what waits, takes it, and answers; whether there was anything."""
        status, page = self.stage.ask(self._token, FETCH, {})
        assert status == 200, page
        letters = page["messages"]
        for one in letters:
            self.hears(msgspec.convert(one["data"], BY_TYPE[one["type"]], strict=False), one["round"])
        taken = [{name: one[name] for name in ("id", "case_no", "round")} for one in letters]
        if taken:
            status, receipt = self.stage.ask(self._token, TAKE, {}, {"acknowledged": taken})
            assert (status, receipt["refused"]) == (200, []), receipt
        return bool(letters)

    def _tell(self, entries):
        if not entries:
            return
        wish = [
            {
                "id": name,
                "type": message.__struct_config__.tag,
                "time": at.isoformat(),
                "round": round,
                "data": msgspec.to_builtins(message),
            }
            for name, at, message, round in entries
        ]
        status, receipt = self.stage.ask(self._token, SAY, {}, {"messages": wish})
        assert (status, receipt["refused"]) == (200, []), receipt

    @property
    def _token(self):
        name = f"mailbox-{self.department.removeprefix('D-').lower()}"
        return {"subject": name, "role": "system", "department": self.department, "scope": "mailbox"}


KINDS = {"kafka": OnKafka, "http": OnHttp}


def outsiders(stage):
    """All systems of the organisation that are not here, by department."""
    found = stage.catalogue.organisation.departments
    return {one.code: KINDS[one.connected](stage, one.code) for one in found if one.connected in KINDS}
