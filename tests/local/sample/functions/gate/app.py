"""Lets in whoever gives a name."""


def handler(event, context):
    name = event["headers"].get("authorization")
    return {"isAuthorized": bool(name), "context": {"who": name}}
