"""People who register and log in, as their programs ask the deployed identity and user functions."""

import copy
import json
from datetime import UTC, datetime

from liangwang import passwords
from liangwang.aggregates import ACCOUNT, Key
from liangwang.domain.account import Account
from liangwang.domain.history import Recorded
from liangwang.domain.identifiers import credit_check_character, identity_check_digit
from liangwang.store import Stored

from tests.functional.functions import Functions, golden

PASSWORD = "示例-password"


def numbered(first):
    return first + identity_check_digit(first)


PERSON = {
    "name": "张示例",
    "identity_no": numbered("99010119900101012"),
    "phone": "138-0000-0099",
    "email": "zhang@example.com",
}
ENTERPRISE = {
    "name": "示例商贸有限公司",
    "credit_code": "91990101MA0000001" + credit_check_character("91990101MA0000001"),
    "agent": {"name": "李示例", "identity_no": numbered("99010119850505034"), "phone": "13800000088"},
}


class People(Functions):
    """The identity and user functions, asked as people's programs ask them."""

    def ask(self, function, route, body=None, *, token="", headers=None, path=None, raw=False):
        event = copy.deepcopy(golden("http_login"))
        event |= {"routeKey": route, "rawPath": route.partition(" ")[2], "pathParameters": path or {}}
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["headers"] |= headers or {}
        if token:
            asking = copy.deepcopy(golden("authorizer"))
            asking["headers"]["authorization"] = f"Bearer {token}"
            event["requestContext"]["authorizer"] = {"lambda": self.call("authorizer", asking)["context"]}
        answer = self.call(function, event)
        return answer if raw else (answer["statusCode"], json.loads(answer["body"]))

    def register(self, username="zhang-san", *, headers=None, password=PASSWORD, **who):
        body = {"username": username, "password": password, **(who or {"person": PERSON})}
        return self.ask("users", "POST /api/register", body, headers=headers)

    def login(self, username="zhang-san", password=PASSWORD, **more):
        return self.ask("identity", "POST /api/login", {"username": username, "password": password, **more})

    def refresh(self, token):
        return self.ask("identity", "POST /api/token/refresh", {"refresh_token": token})

    def user(self, token, user_id="zhang-san", **more):
        return self.ask("users", "GET /api/user/{userId}", token=token, path={"userId": user_id}, **more)

    def change(self, token, user_id="zhang-san", headers=None, **fields):
        path = {"userId": user_id}
        return self.ask("users", "PATCH /api/user/{userId}", fields, token=token, path=path, headers=headers)

    def official(self, username, role, **more):
        account = Account(role=role, name="示例官员", password=passwords.digest(PASSWORD), **more)
        self.put(ACCOUNT.name, username, account)
        return self.login(username)[1]["token"]

    def put(self, kind, identity, content, *, at=None):
        key = Key(kind, identity)
        before = self.stored(kind, identity)
        recorded = Recorded(at or datetime.now(UTC), f"seed/{before.version}", content)
        after = Stored(key, (recorded,), dropped=before.version)
        assert self.store("intake").save([(before, after)]) == [None]

    def stored(self, kind, identity):
        key = Key(kind, identity)
        return self.store("intake").load([key])[key]

    def account(self, username="zhang-san"):
        return self.stored(ACCOUNT.name, username).state


def code(answer):
    status, problem = answer
    return status, problem["type"].rpartition(":")[2]


def fields(answer):
    assert answer[0] in (409, 422), answer
    return {one["field"] for one in answer[1]["errors"]}
