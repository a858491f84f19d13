"""The same department by HTTP alone: it fetches from its mailbox, acknowledges, and says its part. It needs nothing but Python.

    DEPARTMENT=D-990100-WEATHER LIANGWANG_URL=https://… CLIENT_ID=… CLIENT_SECRET=… python department_http.py

MEMORY names its SQLite file (office.py). The rules: docs/messages.md; the calls: docs/departments.md.
"""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request

from office import Office

URL = os.environ["LIANGWANG_URL"].rstrip("/")
SECRET = base64.b64encode(f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()).decode()


def call(method, path, body=None, *, authorization, kind="application/json"):
    """One call; its JSON answer."""
    headers = {"authorization": authorization, "content-type": kind}
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(URL + path, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def turn(office, authorization):
    """Hears what waits, lets the mailbox know, and says what there is to say; answers whether there was anything."""
    letters = call("GET", "/exchange/department/messages?limit=20", authorization=authorization)["messages"]
    for one in letters:
        office.hear(one["id"], one["type"], one["data"], one["round"])
    for page in pages([{name: one[name] for name in ("id", "case_no", "round")} for one in letters]):
        call("POST", "/exchange/department/acknowledgements", {"acknowledged": page}, authorization=authorization)
    for page in pages(office.waiting()):
        receipt = call("POST", "/exchange/department/messages", {"messages": page}, authorization=authorization)
        for refused in receipt["refused"]:  # for good: a person has to look at it
            print(json.dumps(refused, ensure_ascii=False), file=sys.stderr)
        office.confirm(page)
    return bool(letters)


def pages(entries):
    """As many as a call takes."""
    return [entries[start : start + 100] for start in range(0, len(entries), 100)]


def main():
    """For ever. Whatever a broken call was to do is done by the next turn: what is known is not taken twice."""
    office = Office(os.environ["DEPARTMENT"], os.environ.get("MEMORY", "department.sqlite"))
    token, until = "", 0.0
    while True:
        try:
            if time.monotonic() > until:
                form = b"grant_type=client_credentials&scope=mailbox"
                kind = "application/x-www-form-urlencoded"
                granted = call("POST", "/oauth/token", form, authorization=f"Basic {SECRET}", kind=kind)
                token, until = granted["access_token"], time.monotonic() + granted["expires_in"] - 60
            if turn(office, f"Bearer {token}"):
                continue
        except urllib.error.URLError as error:
            print(error, file=sys.stderr)
        time.sleep(float(os.environ.get("PAUSE_SECONDS", "5")))


if __name__ == "__main__":
    main()
