"""An HTTP proxy that loses requests and answers on demand: what a network does to a client."""

import http.client
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Proxy(ThreadingHTTPServer):
    """Passes requests on. ``faults`` are used up one a request whose target ends in ``operation``:

    ``request`` hangs up before passing on, ``answer`` hangs up afterwards, ``busy`` answers 500 without passing on.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, endpoint):
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream = urlsplit(endpoint).netloc
        self.operation = "PutItem"
        self.faults = []
        self.seen = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        fault = ""
        if self.headers["x-amz-target"].endswith(self.server.operation):
            self.server.seen += 1
            fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault == "request":
            self.close_connection = True
            return
        status, answer = (500, b"") if fault == "busy" else self._pass_on(body)
        if fault == "answer":
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _pass_on(self, body):
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=10)
        upstream.request("POST", self.path, body, dict(self.headers))
        response = upstream.getresponse()
        answer = response.status, response.read()
        upstream.close()
        return answer

    def log_message(self, *words):
        """Stays quiet."""


@contextmanager
def lossy(endpoint):
    """A proxy in front of an endpoint, until the end of the block."""
    with Proxy(endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
