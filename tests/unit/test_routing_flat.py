"""Routing a request costs the same whether the city has ten departments or twenty thousand, counted in look-ups."""

from liangwang.domain.routing import choose

from bench import large_city


class Counted(dict):
    """A map that counts how often it is asked, and how much it has handed out; it cannot be gone through."""

    asked = 0
    handed = 0

    def get(self, key, default=None):
        return self._told(super().get(key, default))

    def __getitem__(self, key):
        return self._told(super().__getitem__(key))

    def __contains__(self, key):
        self.asked += 1
        return super().__contains__(key)

    def _told(self, found):
        self.asked += 1
        self.handed += len(found or ()) if isinstance(found, tuple) else 0
        return found

    def values(self):
        raise AssertionError("routing looks at everything")

    items = __iter__ = values


def looked_up(departments, rules):
    """Look-ups a question, and the rules and departments that came of them."""
    city = large_city.city(departments, rules)
    version = city.at(None)
    areas = {subject: Counted(found) for subject, found in version.by_subject.items()}
    version.__dict__["by_subject"] = Counted(areas)
    city.organisation.__dict__["responsible"] = Counted(city.organisation.responsible)
    maps = [*areas.values(), version.by_subject, city.organisation.responsible]
    asked = large_city.questions(city.organisation, 300)
    for question in asked:
        choose(city, question, load=len)
    return [sum(one.asked for one in maps) / len(asked), sum(one.handed for one in maps) / len(asked)]


def test_the_look_ups_of_a_request_do_not_grow_with_departments_and_rules():
    lineage, items, capabilities = 3, 2, 2
    most = items * capabilities * (2 + lineage + 1) + lineage
    small, large = looked_up(40, 100), looked_up(20_000, 50_000)
    assert small[0] <= most and large[0] <= most
    assert large[1] <= max(2.0, 2 * small[1])
