"""What the package index says of the installed packages, and what it cannot say."""

from local.advisories import Verdict, behind, judge


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
