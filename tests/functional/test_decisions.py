"""What is done to decisions that were told already, and how all three systems come to know it."""

import pytest
from liangwang.aggregates import APPLICATION, CASE, LEDGER
from liangwang.domain.decisions import CertificateRevocation, Reissue, Revocation
from liangwang.domain.errors import NotFound

from tests.functional.city import City

WHY = {"basis": "《行政许可法》第六十九条", "reason": "示例"}


@pytest.fixture
def granted():
    """A city, and a case in it that was granted with a certificate and is known everywhere."""
    city = City()
    number = city.apply("food-business-licence", form={"area": 80, "gas_kitchen": False})
    assert city.settle()
    assert city.state("department", CASE, number).certificate == f"{number}-Z"
    return city, number


def test_a_revoked_decision_is_void_in_all_three_systems(granted):
    city, number = granted
    city.change_decision("revoke", number, Revocation(**WHY))
    city.pump()
    assert city.endings(number) == ("voided",) * 3


def test_a_revocation_that_the_broker_lost_is_said_again_by_the_department_itself(granted):
    city, number = granted
    city.change_decision("revoke", number, Revocation(**WHY))
    city.stream("department")
    city.wipe_broker()
    city.pump()
    assert city.endings(number) == ("granted", "voided", "granted")
    city.later(minutes=6)
    city.sweep("department")
    city.pump()
    assert city.endings(number) == ("voided",) * 3


def test_after_a_month_the_department_is_silent_again(granted):
    city, number = granted
    city.change_decision("revoke", number, Revocation(**WHY))
    for _ in range(40):
        city.later(days=1)
        city.sweep("department")
        city.pump()
    assert not [item for item in city.aws.dynamodb.tables["department"].values() if "wake" in item]


def test_a_retry_of_a_reissue_makes_no_second_certificate(granted):
    city, number = granted
    wish = Reissue(certificate_no=f"{number}-Z", **WHY)
    first = city.change_decision("reissue", number, wish, key="k")
    again = city.change_decision("reissue", number, wish, key="k")
    assert first == again
    assert first.certificate_no == f"{number}-Z2"
    city.pump()
    told = [type(one.message).__name__ for one in city.state("intake", APPLICATION, number).progress]
    assert told.count("CertificateReissued") == 1


def test_the_ledger_keeps_a_granted_case_granted_when_only_its_certificate_ends(granted):
    city, number = granted
    city.change_decision("revoke_certificate", number, CertificateRevocation(certificate_no=f"{number}-Z", **WHY))
    city.pump()
    assert city.endings(number) == ("granted",) * 3
    assert city.state("governance", LEDGER, number).state == "granted"


def test_another_department_s_supervisor_finds_no_case(granted):
    city, number = granted
    body = Revocation(**WHY)
    request = city.ask("head", body=body, role="supervisor", case_no=number, department="D-990102-MARKET")
    with pytest.raises(NotFound):
        city.decisions.revoke(request)
