"""Messages that did not arrive: kept in the bucket, and sent with the next one.

A message that was sent is left as an empty object: the role of the workers deletes nothing. Whoever sends one
claims it first, so that two reports at the same moment send it once. A claim ends by itself, so that no
message is lost with its sender; one arrives twice only where that died between sending it and noting so.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain import naming
from sentiment_retrain.notifications.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentiment_retrain.aws.hooks import Aws

#: Nobody wants to know after so many hours.
MOST_HOURS = 72
#: So many are sent at a time; a receiver that comes back is not flooded.
MOST = 10
#: So long a claim lasts; a channel that does not answer is given up much sooner.
CLAIM_MINUTES = 10


class Kept(NamedTuple):
    """A message that is still to be sent.

    :param channel: what it is to go by
    :param message: says from when it is
    :param etag: of the object that holds it, and ``document`` what is in there
    """

    uri: str
    channel: str
    message: Message
    etag: str
    document: dict[str, Any]


def keep(aws: Aws, bucket: str, channel: str, message: Message) -> None:
    """Keep a message that a channel did not take.

    :param channel: what it was to go by, as :func:`sentiment_retrain.notifications.sending.send` names it
    """
    at = dt.datetime.now(dt.UTC)
    document = {"channel": channel, "at": at.isoformat(timespec="seconds"), "message": asdict(message)}
    name = f"{at:%Y%m%dT%H%M%S}-{naming.fingerprint(document)[:12]}"
    aws.put_json(f"s3://{bucket}/runs/unsent/{name}.json", document)


def kept(aws: Aws, bucket: str) -> Iterator[Kept]:
    """What is still to be sent and nobody sends now, the oldest first."""
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
        claimed_until = document.pop("claimed_until", None)
        if claimed_until and now < dt.datetime.fromisoformat(claimed_until):
            continue
        message = _message(document["message"], at)
        yield Kept(item.uri, document["channel"], message, item.etag, document)


def claim(aws: Aws, found: Kept) -> bool:
    """Whether it is for the caller to send it; to nobody else for :data:`CLAIM_MINUTES`."""
    until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=CLAIM_MINUTES)
    document = {**found.document, "claimed_until": until.isoformat(timespec="seconds")}
    return aws.put_if_unchanged(found.uri, document, found.etag)


def release(aws: Aws, found: Kept) -> None:
    """Give a claimed message back that its channel did not take."""
    aws.put_json(found.uri, found.document)


def forget(aws: Aws, uri: str) -> None:
    """Note that a message was sent."""
    aws.put_bytes(uri, b"")


def _message(parts: dict[str, Any], at: dt.datetime) -> Message:
    message = Message(**{**parts, "events": tuple(parts["events"]), "lines": tuple(parts["lines"])})
    # What it says was true then: an incident that it opens may be over.
    late = f"Could not be delivered before; this is from {at:%Y-%m-%d %H:%M} UTC."
    return replace(message, lines=(late, *message.lines), action=None)
