"""Writes one line for each paid order."""

import base64
import json
import os

import invoice


def handle(event, context):
    """What cannot be invoiced is reported, with every later order of its partition."""
    failures = []
    for place, records in event["records"].items():
        for number, record in enumerate(records):
            try:
                line = invoice.line(json.loads(base64.b64decode(record["value"])))
            except ValueError:
                failures += [{"itemIdentifier": {"partition": place, "offset": r["offset"]}} for r in records[number:]]
                break
            with open(os.environ["INVOICES"], "a") as invoices:
                invoices.write(line + "\n")
    return {"batchItemFailures": failures}
