"""A department system of somebody else's by Kafka alone: it reads one department's applications and tasks and answers them.

    pip install kafka-python
    DEPARTMENT=D-990100-HERITAGE KAFKA_BOOTSTRAP_SERVERS=localhost:9092 python department.py

With KAFKA_USERNAME and KAFKA_PASSWORD it signs in by SCRAM. MEMORY names its SQLite file (office.py). The rules: docs/messages.md.
"""

import base64
import json
import os
from datetime import UTC, datetime

from kafka import KafkaConsumer, KafkaProducer
from office import Office

HEARD_ON = ("applications", "collaboration-tasks", "collaboration-results")
SAID_ON = {
    "task": "collaboration-reports",
    "collaboration": "collaboration-requests",
    "case.evidence_taken": "collaboration-reports",
}
SAID_ON |= dict.fromkeys(("case.accepted", "case.supplement_requested", "case.refused", "case.returned"), "acceptances")


def main():
    """Hears, says, and only then lets Kafka know that it has heard: whatever breaks in between happens again."""
    office = Office(os.environ["DEPARTMENT"], os.environ.get("MEMORY", "department.sqlite"))
    bus = {"bootstrap_servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), "api_version": (2, 3)}
    if "KAFKA_USERNAME" in os.environ:
        bus |= {"security_protocol": os.environ.get("KAFKA_PROTOCOL", "SASL_SSL"), "sasl_mechanism": "SCRAM-SHA-512"}
        bus |= {
            "sasl_plain_username": os.environ["KAFKA_USERNAME"],
            "sasl_plain_password": os.environ["KAFKA_PASSWORD"],
        }
    reading = {"group_id": f"{office.department}-office", "enable_auto_commit": False, "auto_offset_reset": "earliest"}
    # After a crash the group waits so long for the process that is gone before it gives its successor anything.
    consumer = KafkaConsumer(*HEARD_ON, **bus, **reading, session_timeout_ms=10_000, heartbeat_interval_ms=3_000)
    producer = KafkaProducer(**bus, acks="all", enable_idempotence=True)

    def send(topic, key, event):
        envelope = {
            "specversion": "1.0",
            "source": f"/liangwang/{office.department}",
            "datacontenttype": "application/json",
            **event,
        }
        producer.send(topic, json.dumps(envelope).encode(), key.encode()).get(timeout=30)

    while True:
        for record in (one for batch in consumer.poll(timeout_ms=500).values() for one in batch):
            try:
                event = json.loads(record.value)
                office.hear(event["id"], event["type"], event["data"], event.get("round", 0))
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                data = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "key": None}
                id = f"{office.department}/{record.topic}-{record.partition}-{record.offset}/1"
                data |= {"type": "dead_letter", "consumer": office.department, "reason": repr(error)[:1000]}
                data |= {"value": base64.b64encode(record.value or b"").decode()}
                now = datetime.now(UTC).isoformat()
                send(
                    "dead-letters",
                    id,
                    {"id": id, "type": "dead_letter", "subject": record.topic, "time": now, "data": data},
                )
        for message in office.waiting():
            kind, case_no = message["type"], message["data"]["case_no"]
            topic = SAID_ON.get(kind) or SAID_ON.get(kind.partition(".")[0], "approvals")
            send(topic, case_no, {**message, "subject": case_no})
            office.confirm([message])
        consumer.commit()


if __name__ == "__main__":
    main()
