"""Takes notes in over HTTP, and tells what the ledger holds."""

import json
import os

import boto3

tables = boto3.resource("dynamodb")
notes = tables.Table(os.environ["TABLE"])
ledger = tables.Table(os.environ["LEDGER"])


def handler(event, context):
    route = event["routeKey"]
    if route == "POST /notes/{id}":
        item = {"pk": event["pathParameters"]["id"], **json.loads(event["body"])}
        notes.put_item(Item=item)
        return {"statusCode": 201, "headers": {"location": f"/ledger/{item['pk']}"}}
    if route == "GET /ledger/{id}":
        found = ledger.get_item(Key={"pk": event["pathParameters"]["id"]}, ConsistentRead=True).get("Item")
        return {"statusCode": 200 if found else 404, "body": json.dumps(found, default=int)}
    return {"who": event["requestContext"]["authorizer"]["lambda"]["who"]}
