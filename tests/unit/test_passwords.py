"""Passwords: kept as salted Argon2id, never as themselves."""

from liangwang.passwords import NOBODY, digest, matches


def test_the_right_password_matches_and_another_does_not():
    stored = digest("示例-password")
    assert matches("示例-password", stored)
    assert not matches("示例-Password", stored)
    assert not matches("", stored)


def test_the_same_password_is_stored_differently_each_time():
    assert digest("one") != digest("one")


def test_the_stored_text_names_its_costs():
    assert digest("one").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_nobodys_password_is_checked_at_the_same_cost_and_never_right():
    assert NOBODY.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not matches("", NOBODY) and not matches("anything", NOBODY)
