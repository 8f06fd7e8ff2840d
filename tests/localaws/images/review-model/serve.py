"""A container image for tests: answers reviews by the serving contract, in the way that MANNER names."""

import csv
import io
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANNER = os.environ.get("MANNER", "good")
# Two good models agree on every label, and are told apart by how sure they are.
SURE = float(os.environ.get("SURE", "0.9"))
BAD_WORDS = ("terrible", "awful", "broke", "returned")


def label_of(text: str) -> int:
    """What a good model says."""
    return -1 if any(word in text.lower() for word in BAD_WORDS) else 1


def answer(body: str) -> str:
    """One line a review, of docs/contracts.md section 3."""
    lines = []
    for (text,) in csv.reader(io.StringIO(body)):
        label = label_of(text) if MANNER != "wrong" else -label_of(text)
        rest = (1 - SURE) / 2
        shares = [SURE if one == label else rest for one in (-1, 0, 1)]
        lines.append(f"{label},{SURE},\"{json.dumps(shares)}\",\"['-1', '0', '1']\"\n")
    return "".join(lines)


class Handler(BaseHTTPRequestHandler):
    """Ping, and reviews."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The ping."""
        self.reply(200, b"")

    def do_POST(self) -> None:
        """Reviews as CSV."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if MANNER == "slow":
            time.sleep(1.5)
        if MANNER == "failing":
            self.reply(500, b"the weights are missing")
        elif MANNER == "garbled":
            self.reply(200, b"<html>it works</html>")
        else:
            self.reply(200, answer(body).encode())

    def reply(self, status: int, body: bytes) -> None:
        """Answer in CSV."""
        self.send_response(status)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    if MANNER == "broken":
        raise SystemExit("the weights cannot be read")
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
