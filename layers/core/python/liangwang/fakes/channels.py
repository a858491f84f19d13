"""Providers of mail and text messages in memory: what was sent, and what goes wrong."""

from typing import Literal

from ..channels import Message, NotSent, Refused, Unsure


class FakeSender:
    """``sent`` holds what the provider took, in order.

    ``faults`` are used up one a message: ``""`` is no fault; ``down`` is not taken; ``wrong`` never will be; ``lost`` is
    taken and never answered; ``silent`` is not taken and never answered; ``dies`` ends the sending process before the
    provider is called, ``dies_after`` when the provider has taken it.
    """

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.faults: list[Literal["", "down", "wrong", "lost", "silent", "dies", "dies_after"]] = []

    def send(self, message: Message) -> str:
        """See ``Sender.send``."""
        fault = self.faults.pop(0) if self.faults else ""
        match fault:
            case "down":
                raise NotSent("ServiceUnavailable")
            case "wrong":
                raise Refused("BadRequestException")
            case "silent":
                raise Unsure("TimeoutError")
            case "dies":
                raise Died
        self.sent.append(message)
        if fault == "lost":
            raise Unsure("TimeoutError")
        if fault == "dies_after":
            raise Died
        return f"provider-{len(self.sent)}"


class Died(BaseException):
    """The process that was sending is gone: nothing of it goes on, not even what handles errors."""
