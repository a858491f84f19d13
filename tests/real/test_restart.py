"""A stack that was stopped goes on where it stood: tables, keys, topics and offsets are on disk."""

import confluent_kafka
import pytest

from local import template
from tests.city import city
from tests.waiting import eventually


def committed(city):
    """Offsets of every group in every partition that has one."""
    found = {}
    for mapping in template.load(city.stack.config.template).kafka:
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": city.stack.bootstrap_servers, "group.id": mapping.group, "log_level": 2}
        )
        places = [confluent_kafka.TopicPartition(mapping.topic, n) for n in range(city.stack.config.partitions)]
        for place in consumer.committed(places, timeout=20):
            if place.offset >= 0:
                found[mapping.group, place.topic, place.partition] = place.offset
        consumer.close()
    return found


def on_the_desk(city, case_no):
    """Whether a case lies before the market department's clerks."""
    cases = city.api.get("clerk-990101-market-1", "/api/cases", limit=100)["cases"]
    return any(one["case_no"] == case_no for one in cases)


def step(city, clerk, case_no, name):
    city.api.post(clerk, f"/api/cases/{case_no}/steps", {"step": name, "opinion": "agree"})


@pytest.mark.timeout(300)
def test_a_stopped_stack_goes_on_where_it_stood(tmp_path):
    with city(tmp_path) as before:
        granted = [before.apply(before.wish("elderly-card")) for _ in range(3)]
        waiting = before.apply(before.wish("food-business-licence"))
        for case_no in granted:
            before.await_status(case_no, "granted")
        eventually(lambda: on_the_desk(before, waiting), what="a case to wait for a clerk")
        resources = before.stack.resources
        eventually(lambda: all(one.outcome for one in before.tables.cases(granted)), what="the three systems to agree")
    with city(tmp_path) as after:
        assert after.stack.resources == resources
        offsets = committed(after)
        assert offsets
        assert [after.follow(case_no)["status"] for case_no in granted] == ["granted"] * 3
        # What was sealed before the stop opens: the department's key is the same.
        shown = after.api.post("clerk-990101-market-1", f"/api/cases/{waiting}/personal", {"reason": "示例核对"})
        assert shown["personal"]["phone"] == "13800000000"
        step(after, "clerk-990101-market-2", waiting, "review")
        step(after, "clerk-990101-market-3", waiting, "approve")
        after.await_status(waiting, "granted")
        found = eventually(
            lambda: (all_ := after.tables.cases([*granted, waiting])) and all(one.outcome for one in all_) and all_,
            what="the three systems to agree",
        )
        assert not any(one.doubles() for one in found)
        # Nothing was read again from the beginning: offsets only grow.
        now = committed(after)
        assert all(now[place] >= offset for place, offset in offsets.items())
        assert all(source["records"] < 10 for source in after.stack.sources().values() if source["kind"] == "kafka")
