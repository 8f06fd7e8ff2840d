"""Messages that did not arrive: kept in the bucket, and sent with the next one.

A message that was sent is left as an empty object: the role of the workers deletes nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain.notifications.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentiment_retrain.aws.hooks import Aws

#: Nobody wants to know after so many hours.
MOST_HOURS = 72
#: So many are sent at a time; a receiver that comes back is not flooded.
MOST = 10


def keep(aws: Aws, bucket: str, channel: str, message: Message) -> None:
    """Keep a message that a channel did not take.

    :param channel: what it was to go by, as :func:`sentiment_retrain.notifications.sending.send` names it
    """
    at = dt.datetime.now(dt.UTC)
    document = {"channel": channel, "at": at.isoformat(timespec="seconds"), "message": asdict(message)}
    name = f"{at:%Y%m%dT%H%M%S}-{naming.fingerprint(document)[:12]}"
    aws.put_json(f"s3://{bucket}/runs/unsent/{name}.json", document)


def kept(aws: Aws, bucket: str) -> Iterator[tuple[str, str, Message]]:
    """URI, channel and message of what is still to be sent, the oldest first, each saying from when it is."""
    found = [item for item in aws.list_objects(f"s3://{bucket}/runs/unsent/") if item.size_bytes]
    now = dt.datetime.now(dt.UTC)
    for item in sorted(found):
        content = aws.get_bytes(item.uri)
        if not content:
            # Another run has sent it since.
            continue
        document = json.loads(content)
        at = dt.datetime.fromisoformat(document["at"])
        if now - at > dt.timedelta(hours=MOST_HOURS):
            forget(aws, item.uri)
            continue
        yield item.uri, document["channel"], _message(document["message"], at)


def forget(aws: Aws, uri: str) -> None:
    """Note that a message was sent."""
    aws.put_bytes(uri, b"")


def _message(parts: dict[str, Any], at: dt.datetime) -> Message:
    message = Message(**{**parts, "events": tuple(parts["events"]), "lines": tuple(parts["lines"])})
    # What it says was true then: an incident that it opens may be over.
    late = f"Could not be delivered before; this is from {at:%Y-%m-%d %H:%M} UTC."
    return replace(message, lines=(late, *message.lines), action=None)
