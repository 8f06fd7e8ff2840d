"""A container image for tests: answers what it was sent, or does what the body says, e.g. `die`."""

import os
import socket
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
        """What the first word says; all else is echoed.

        `who` tells the process, `die` ends it, `die 0.5` hangs up so long before, `refuse 418` and `slow 0.2`
        do that, `frame` answers in `chunks`, until the `end` of the connection, or `closing` it, `vanish`
        hangs up.
        """
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        command, _, argument = body.decode("utf-8", "replace").strip().partition(" ")
        if LABEL == "lengths":
            self.reply(200, lengths(body, self.headers["Content-Type"]))
        elif command == "who":
            self.reply(200, f"{LABEL}{os.getpid()}".encode())
        elif command == "die":
            self.end(float(argument or 0))
        elif command == "frame":
            self.frame(argument)
        elif command == "vanish":
            self.log_line("vanished")
            self.close_connection = True
        elif command == "refuse":
            self.reply(int(argument), b"refused")
        else:
            time.sleep(float(argument) if command == "slow" else 0)
            self.log_line(f"answered {command}")
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

    def frame(self, how: str) -> None:
        """Answer `how` it says, and say in the answer which client's port asked."""
        body = f"{how} {self.client_address[1]}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if how == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        elif how == "closing":
            self.send_header("Content-Length", str(len(body)))
        if how != "chunks":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def end(self, seconds: float) -> None:
        """End the process, which listens and answers no more some seconds before."""
        if seconds:
            server.socket.close()
            self.connection.shutdown(socket.SHUT_RDWR)
            time.sleep(seconds)
        os._exit(3)

    def log_line(self, text: str) -> None:
        """To CloudWatch Logs."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def log_message(self, *_: object) -> None:
        """Nothing."""


sys.stdout.write("serving\n")
sys.stdout.flush()
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
server.serve_forever()
