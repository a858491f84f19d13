"""The catalogue of a city that has decided something otherwise: a copy with exactly that changed, and checked as any other is."""

import shutil
from contextlib import contextmanager

import yaml
from liangwang.catalogue import check

from tests.scenarios.script import City
from tests.scenarios.stage import CATALOGUE


def catalogue_of(city, place):
    """Where the city's catalogue lies: the product's own, or a copy of it in a place that is not there yet."""
    if city == City():
        return CATALOGUE
    shutil.copytree(CATALOGUE, place)
    with _changed(place / "supervision.yaml") as supervision:
        supervision["collaboration"] |= city.rules
    for item, changes in city.items.items():
        with _changed(place / "items" / f"{item}.yaml") as written:
            by_id = {one["id"]: one for one in written["collaborations"]}
            for name, change in changes.items():
                by_id[name] |= change
    check(place)
    return place


@contextmanager
def _changed(path):
    content = yaml.safe_load(path.read_text("utf-8"))
    yield content
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
