"""A running city for the end-to-end and the fault tests: the real template and functions on ports of their own."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from liangwang import catalogue

from local import accounts
from local.api import Api, ApiError
from local.config import Config
from local.players import Scenario, wishes
from local.reconciliation import Tables, differences, open_cases
from local.stack import Stack
from tests.ports import chosen_parts, own_ports
from tests.waiting import eventually

TOWN = "990101001"


class City:
    """A stack with demo people in it."""

    def __init__(self, stack):
        self.stack = stack
        accounts.seed(stack)
        self.catalogue = catalogue.load(stack.config.catalogue)
        self.api = Api(stack.gateway_url, accounts.password(stack.config.state))
        self.tables = Tables.of(stack)

    def wish(self, item, *, place=TOWN, **changes):
        """The body of an application: the item's example with some form fields changed."""
        known = self.catalogue.items[item]
        materials = [one.code for one in known.materials]
        form = {**known.example.form, **changes}
        return {"task_code": item, "place": place, "form": form, "materials": materials, "allow_duplicate": True}

    def apply(self, wish, *, citizen="citizen-001", key=""):
        """Applies; the case number."""
        return self.api.post(citizen, "/api/applications", wish, key=key)["case_no"]

    def follow(self, case_no, *, citizen="citizen-001"):
        """The case as its applicant sees it."""
        return self.api.get(citizen, f"/api/applications/{case_no}")

    def refused(self, who, path, body=None, *, key=""):
        """The problem document that somebody gets; fails when the call is taken."""
        with pytest.raises(ApiError) as caught:
            self.api.get(who, path) if body is None else self.api.post(who, path, body, key=key)
        return caught.value.document

    def await_status(self, case_no, *statuses, citizen="citizen-001"):
        """The case once it has one of these statuses."""

        def view():
            found = self.follow(case_no, citizen=citizen)
            return found if found["status"] in statuses else None

        return eventually(view, seconds=30, what=f"{case_no} to be {' or '.join(statuses)}")

    def await_reconciled(self):
        """The report of the three systems ends clean: nothing lost, doubled, or waiting for more than people."""

        def is_clean():
            wanted = open_cases(self.tables.intake, datetime.now(UTC))
            return not [one for one in differences(self.tables, wanted) if one.is_wrong]

        eventually(is_clean, seconds=60, what="the three systems to agree")

    def lot(self, count, *lines, seed=1):
        """Mixed applications; of these (item, changes) lines only, where some are given."""
        chosen = [Scenario(item=item, form=changes) for item, changes in lines]
        return wishes(count, self.catalogue, seed=seed, chosen=chosen)


@contextlib.contextmanager
def city(state: Path, **settings):
    """A city of its own, gone afterwards; on the parts that KAFKA and DYNAMODB name."""
    with Stack(Config(state=state, **own_ports(), **chosen_parts(), **settings)) as stack:
        yield City(stack)
