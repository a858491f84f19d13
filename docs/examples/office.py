"""The memory and the manners of a small department: what it has heard and said of each case, in one SQLite file.

Both examples use it; how messages come and go is theirs. What it decides stands in for people: it grants and agrees.
"""

import json
import sqlite3
from datetime import UTC, datetime


class Office:
    """What one department has heard and said: answered once, numbered by case, and kept until somebody has it."""

    def __init__(self, department, file):
        self.department, self.db = department, sqlite3.connect(file)
        self.db.execute("CREATE TABLE IF NOT EXISTS heard (id TEXT PRIMARY KEY, round, task, collaboration)")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS said (case_no, number, message, round, waits, PRIMARY KEY (case_no, number))"
        )

    def hear(self, id, type, data, round):
        """One message and all that follows, in one transaction. What is known is answered again in a new round only."""
        if data.get("department") != self.department:
            return
        with self.db:
            known = self.db.execute("SELECT round FROM heard WHERE id = ?", (id,)).fetchone()
            names = (data.get("task_id", ""), data.get("collaboration_id", ""))
            self.db.execute("REPLACE INTO heard VALUES (?, ?, ?, ?)", (id, max(round, *(known or (0,))), *names))
            for answer, more in () if known else self.answers(type, data, *names):
                self.say(answer, {"type": answer, "case_no": data["case_no"], "department": self.department, **more})
            if known and round > known[0]:
                self.db.execute("UPDATE said SET round = ?, waits = 1 WHERE case_no = ?", (round, data["case_no"]))

    def answers(self, type, data, task, collaboration):
        """What there is to say to a message that is heard for the first time."""
        first = "SELECT collaboration FROM heard WHERE task = ? AND collaboration != ''"
        of_task = {
            "task_id": task,
            "collaboration_id": collaboration or (self.db.execute(first, (task,)).fetchone() or ("",))[0],
        }
        opinion = {**of_task, "by": "office", "opinion": "agree", "explanation": "nothing stands against it"}
        match type:
            case "application.submitted":
                return [
                    ("case.accepted", {"accept_doc_no": f"{data['case_no']}-S"}),
                    ("case.decided", {"outcome": "granted"}),
                ]
            case "task.dispatched":
                return [("task.signed", {**of_task, "by": "office"}), ("task.reported", opinion)]
            case "task.returned":
                return [("task.reported", opinion)]
            case "task.recalled":
                return [("task.stopped", of_task)]
            case "collaboration.disclosure_requested":
                names = {name: data[name] for name in ("request_id", "task_id", "supporter")}
                return [("collaboration.disclosed", {**names, "reason": "nothing to disclose"})]
            case "case.evidence_offered":
                return [("case.evidence_taken", {"evidence_id": data["evidence_id"]})]
        return []  # urged, extended, supplied, concluded, rated: good to know

    def say(self, type, data):
        """The next number of the case is never used again."""
        (last,) = self.db.execute(
            "SELECT coalesce(max(number), 0) FROM said WHERE case_no = ?", (data["case_no"],)
        ).fetchone()
        message = {
            "id": f"{self.department}/{data['case_no']}/{last + 1}",
            "type": type,
            "time": datetime.now(UTC).isoformat(),
            "data": data,
        }
        self.db.execute("INSERT INTO said VALUES (?, ?, ?, 0, 1)", (data["case_no"], last + 1, json.dumps(message)))

    def waiting(self):
        """What nobody has confirmed yet, each case's in order."""
        found = self.db.execute("SELECT message, round FROM said WHERE waits ORDER BY case_no, number").fetchall()
        return [{**json.loads(message), "round": round} for message, round in found]

    def confirm(self, messages):
        """Somebody has these now."""
        with self.db:
            for one in messages:
                where = (one["data"]["case_no"], int(one["id"].rpartition("/")[2]), one["round"])
                self.db.execute("UPDATE said SET waits = 0 WHERE case_no = ? AND number = ? AND round = ?", where)
