"""What the package index says of the installed packages, and what it cannot say."""

import click
import pytest

from local import advisories
from local.advisories import Unanswered, Verdict, behind, judge, read


def test_an_advisory_names_the_package_and_where_it_is_mended():
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3", "4"]}]},
            {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]},
            {"name": "d", "skip_reason": "Dependency not found on PyPI"},
        ]
    }
    told = ("b 2: PYSEC-1, mended in 3, 4", "c 2: PYSEC-2, mended in nowhere yet")
    assert judge(report) == Verdict(("a", "b", "c"), told, ("d",))


def test_what_pip_would_install_is_behind():
    assert behind({"install": []}) == []
    install = [{"metadata": {"name": name, "version": "2"}} for name in ("a", "pip")]
    assert behind({"install": install}) == ["a 2"]


def test_an_index_that_does_not_answer_is_told_from_a_tool_that_is_broken():
    assert read("{}", "WARNING: anything") == {}
    with pytest.raises(Unanswered, match="feed"):
        read("", "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed")
    with pytest.raises(Unanswered):
        read("", "NewConnectionError(...)\nERROR: No matching distribution found for click")
    with pytest.raises(click.ClickException):
        read("", "AttributeError: 'NoneType' object has no attribute 'name'")


def answering(*answers):
    """The tools answer so, one after the other; an exception is raised."""
    waiting = list(answers)

    def run(*arguments):
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return run


UNKNOWN = {"dependencies": [{"name": "d", "skip_reason": "Dependency not found on PyPI"}]}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([Unanswered("offline")], "NOTHING was looked up"),
        ([UNKNOWN, {"install": [{"metadata": {"name": "a", "version": "2"}}]}], "newer releases are allowed: a 2"),
        ([UNKNOWN, Unanswered("offline")], "could not be asked"),
        ([UNKNOWN, {"install": []}], "all are the newest"),
    ],
)
def test_what_cannot_be_known_is_said_and_fails_nothing(capsys, answers, told):
    advisories.main(answering(*answers))
    assert told in capsys.readouterr().out


def test_an_advisory_fails(capsys):
    known = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
    run = answering({"dependencies": [known, *UNKNOWN["dependencies"]]}, Unanswered("offline"))
    with pytest.raises(SystemExit) as ended:
        advisories.main(run)
    assert ended.value.code == 1 and "PYSEC-1" in capsys.readouterr().out
