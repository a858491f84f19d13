"""One trace a case: its id follows from the case number, so messages and log lines of all systems meet in it.

https://www.w3.org/TR/trace-context/
"""

import hashlib
import re
from collections.abc import Mapping

_AMAZON = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")


def trace_id(case_no: str) -> str:
    """The trace of a case: 32 hexadecimal characters."""
    return hashlib.sha256(case_no.encode()).hexdigest()[:32]


def traceparent(case_no: str, id: str) -> str:
    """The header of a message: the case's trace, and a span that follows from the message's id."""
    return f"00-{trace_id(case_no)}-{hashlib.sha256(id.encode()).hexdigest()[:16]}-01"


def request_trace(headers: Mapping[str, str]) -> dict[str, str]:
    """API Gateway's own trace id, as a field of a log line. A caller may send that header too: nothing but an id is taken.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    match = _AMAZON.search(headers.get("x-amzn-trace-id", "")[:200])
    return {"request_trace": match[1]} if match else {}
