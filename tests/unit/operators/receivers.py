"""Who is told: a webhook as chats have them, and a queue that is subscribed to the topic."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentiment_retrain.aws.hooks import Aws

#: Part of the webhook's address, which is a password itself.
SECRET = "T0001/B0002/dontlogme"
#: The Airflow connection that has the address.
CONNECTION = "retrain_webhook"


class Receiver:
    """An incoming webhook; `answers` are its next status codes, then 200."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                outer.paths.append(self.path)
                if status == 200:
                    outer.got.append(json.loads(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/services/{SECRET}"


class Subscriber:
    """A queue that is subscribed to a topic of its own."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws = aws
        self.topic = aws.call("sns", "create_topic", Name=name)["TopicArn"]
        self.queue = aws.call("sqs", "create_queue", QueueName=name)["QueueUrl"]
        found = aws.call("sqs", "get_queue_attributes", QueueUrl=self.queue, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        aws.call("sns", "subscribe", TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def got(self) -> list[dict[str, Any]]:
        """What has arrived since the last call."""
        answer = self.aws.call("sqs", "receive_message", QueueUrl=self.queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            handle = message["ReceiptHandle"]
            self.aws.call("sqs", "delete_message", QueueUrl=self.queue, ReceiptHandle=handle)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]
