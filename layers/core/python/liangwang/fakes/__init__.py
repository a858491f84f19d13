"""The outside world in memory, for tests: AWS, Kafka and intake's exchange API behind the ports the product uses.

Each fake keeps what the real one promises and fails when it is told to; tests/integration holds them to the same contract.
"""

from .aws import FakeAws, Fault
from .channels import FakeSender
from .exchange import FakeExchange
from .kafka import FakeProducer, kafka_event
from .objects import FakeObjects

__all__ = ["FakeAws", "FakeExchange", "FakeObjects", "FakeProducer", "FakeSender", "Fault", "kafka_event"]
