"""A container image for tests: answers what it was sent, or does what the body says, e.g. `die`."""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
LABEL = os.environ.get("LABEL", "")


def lengths(body: bytes, content_type: str) -> bytes:
    """How long each line is; JSON lines are answered by JSON."""
    lines = body.decode().splitlines()
    pattern = '{{"length": {}}}\n' if "json" in content_type else "{}\n"
    return "".join(pattern.format(len(line)) for line in lines).encode()


class Handler(BaseHTTPRequestHandler):
    """Ping, and invocations by their first word."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The ping."""
        self.reply(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        """`who` tells the process, `die` ends it, `refuse 418` and `slow 0.2` do that, all else is echoed."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        command, _, argument = body.decode("utf-8", "replace").strip().partition(" ")
        if LABEL == "lengths":
            self.reply(200, lengths(body, self.headers["Content-Type"]))
        elif command == "who":
            self.reply(200, f"{LABEL}{os.getpid()}".encode())
        elif command == "die":
            os._exit(3)
        elif command == "refuse":
            self.reply(int(argument), b"refused")
        else:
            time.sleep(float(argument) if command == "slow" else 0)
            sys.stdout.write(f"answered {command}\n")
            sys.stdout.flush()
            self.reply(200, LABEL.encode() + body)

    def reply(self, status: int, body: bytes) -> None:
        """Answer in the caller's content type, with its attributes."""
        self.send_response(status)
        self.send_header("Content-Type", self.headers.get("Content-Type", "text/plain"))
        self.send_header("Content-Length", str(len(body)))
        if ATTRIBUTES in self.headers:
            self.send_header(ATTRIBUTES, "seen " + self.headers[ATTRIBUTES])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


sys.stdout.write("serving\n")
sys.stdout.flush()
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
