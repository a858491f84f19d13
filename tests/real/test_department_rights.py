"""Apache Kafka itself, with SCRAM users and its own authorizer: a department's system may do its part, and nothing else."""

import subprocess
import sys
import uuid

import confluent_kafka as kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from liangwang.domain import messages as m

from local import apache_kafka, java, processes
from local.config import Config
from tests import infra_tools
from tests.conftest import REPOSITORY
from tests.ports import own_ports
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

access, tool = infra_tools.load("department_access"), infra_tools.load("cluster")
OURS, THEIRS = "D-990100-HERITAGE", "D-990100-HERITAGE2"
"""The second code begins as the first does: a prefix must not reach over."""
PASSWORD = uuid.uuid4().hex
REFUSED = {
    kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED,
    kafka.KafkaError.GROUP_AUTHORIZATION_FAILED,
    kafka.KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}


def properties(config):
    """server.properties of a node that knows SCRAM users, and gives nobody what no right was given for."""
    found, login = apache_kafka.properties(config), "org.apache.kafka.common.security.scram.ScramLoginModule"
    for name in ("listeners", "advertised.listeners", "listener.security.protocol.map"):
        found[name] = found[name].replace("PLAINTEXT://127.0.0.1:" + str(config.broker_port), f"SASL://127.0.0.1:{config.broker_port}")  # fmt: skip
    return found | {
        "listener.security.protocol.map": "SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.sasl.scram-sha-512.sasl.jaas.config": f'{login} required username="admin" password="{PASSWORD}";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin;User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "false",
    }


def settings(config, user):
    """librdkafka's, for a user."""
    return {
        "bootstrap.servers": config.bootstrap_servers,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": PASSWORD,
        "log_level": 0,
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    config = Config(state=tmp_path_factory.mktemp("kafka"), topics=(), kafka="apache", **own_ports())
    file = config.state / "kafka.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in properties(config).items()))
    users = [f"--add-scram=SCRAM-SHA-512=[name={name},password={PASSWORD}]" for name in ("admin", OURS, THEIRS)]
    words = (*apache_kafka.format_words(uuid.uuid4(), file), *users)
    subprocess.run(
        java.command(apache_kafka.PROFILE, "kafka.tools.StorageTool", *words, heap="128m"),
        check=True,
        capture_output=True,
    )
    command = java.command(apache_kafka.PROFILE, "kafka.Kafka", str(file), heap="384m")
    process = processes.start(command, environment={}, log=config.state / "broker.log")
    try:
        admin = AdminClient(settings(config, "admin"))
        eventually(lambda: answers(admin), seconds=60, what="the broker")
        for future in admin.create_topics([NewTopic(name, 1, 1) for name in set(m.TOPIC.values())]).values():
            future.result(20)
        rights = [right for department in (OURS, THEIRS) for right in access.acls(department)]
        assert len(tool.set_rights(settings(config, "admin"), rights)[0]) == len(rights)
        eventually(lambda: write(config, access.WRITES[0]) is None, seconds=60, what="the rights to hold")
        yield config
    finally:
        processes.stop(process)


def answers(admin):
    try:
        return admin.list_topics(timeout=2).brokers
    except kafka.KafkaException:
        return None


def write(cluster, topic, *, user=OURS):
    """What Kafka says to a record of the user's; None when it holds it."""
    producer = kafka.Producer({**settings(cluster, user), "enable.idempotence": True, "message.timeout.ms": 20_000})
    reports = []
    producer.produce(topic, b"{}", b"k", on_delivery=lambda error, _: reports.append(error))
    assert producer.flush(30) == 0
    return reports[0]


def read(cluster, topic, group, *, user=OURS):
    """What Kafka says to a reader of the user's; None when it gives a record."""
    reader = kafka.Consumer({**settings(cluster, user), "group.id": group, "auto.offset.reset": "earliest"})
    reader.subscribe([topic])
    try:
        message = eventually(lambda: reader.poll(0.5), seconds=60, what=f"an answer to {user} on {topic}")
        return message.error()
    finally:
        reader.close()


@pytest.mark.parametrize("topic", sorted(set(m.TOPIC.values())))
def test_a_department_writes_what_departments_say_and_nothing_else(cluster, topic):
    error = write(cluster, topic)
    if topic in access.WRITES:
        assert error is None
    else:
        assert error.code() in REFUSED


@pytest.mark.parametrize("topic", sorted(set(m.TOPIC.values())))
def test_a_department_reads_what_departments_are_told_and_nothing_else(cluster, topic):
    assert write(cluster, topic, user="admin") is None
    error = read(cluster, topic, f"{OURS}-reader-{topic}")
    if topic in access.READS:
        assert error is None
    else:
        assert error.code() in REFUSED


@pytest.mark.parametrize("group", ["liangwang-assistance", f"{THEIRS}-office", "office"])
def test_a_department_reads_in_groups_of_its_own_only(cluster, group):
    assert write(cluster, "collaboration-tasks", user="admin") is None
    assert read(cluster, "collaboration-tasks", group).code() in REFUSED
    assert read(cluster, "collaboration-tasks", f"{OURS}-office") is None


def test_a_department_makes_neither_topics_nor_rights(cluster):
    admin = AdminClient(settings(cluster, OURS))
    with pytest.raises(kafka.KafkaException) as caught:
        admin.create_topics([NewTopic("theirs", 1, 1)])["theirs"].result(20)
    assert caught.value.args[0].code() in REFUSED
    with pytest.raises(kafka.KafkaException) as caught:
        tool.set_rights(settings(cluster, OURS), access.acls(OURS))
    assert caught.value.args[0].code() in REFUSED


def test_setting_rights_again_changes_nothing_and_takes_away_what_is_too_much(cluster):
    admin, wanted = settings(cluster, "admin"), access.acls(THEIRS)
    assert tool.set_rights(admin, wanted) == ([], [])
    too_much = access.Acl(f"User:{THEIRS}", "READ", "topic", "approvals")
    assert tool.set_rights(admin, [*wanted, too_much]) == ([too_much], [])
    assert tool.set_rights(admin, wanted) == ([], [too_much])


def test_the_example_works_with_these_rights_alone(cluster, tmp_path):
    """docs/examples/department.py signs in as the department and answers an application."""
    from liangwang.envelope import encode, wrap
    from msgspec import structs

    from tests.unit.samples import NOON, example

    environment = {
        "PATH": "/usr/bin:/bin",
        "DEPARTMENT": OURS,
        "MEMORY": str(tmp_path / "memory"),
        "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "KAFKA_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_USERNAME": OURS,
        "KAFKA_PASSWORD": PASSWORD,
    }
    command = [sys.executable, str(REPOSITORY / "docs" / "examples" / "department.py")]
    process = processes.start(command, environment=environment, log=tmp_path / "log")
    sent = structs.replace(example(m.ApplicationSubmitted), department=OURS, case_no="C-1", sealed=None)
    producer = kafka.Producer(settings(cluster, "admin"))
    producer.produce("applications", encode(wrap(sent, id="intake/C-1/2", time=NOON)), b"C-1")
    assert producer.flush(30) == 0
    reader = kafka.Consumer(
        {**settings(cluster, "admin"), "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    )
    reader.subscribe(["acceptances"])
    try:
        eventually(lambda: b"case.accepted" in (found(reader) or b""), seconds=60, what="the acceptance")
    finally:
        processes.stop(process)
        reader.close()


def found(reader):
    message = reader.poll(0.5)
    return message.value() if message is not None and not message.error() else None
