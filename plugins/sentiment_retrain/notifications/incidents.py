"""What is wrong at the moment, kept in the bucket, so that the run that ends it can say so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws

LATE = "late"


def note(aws: Aws, bucket: str, key: str, *, run_id: str, what: str) -> None:
    """Note a failure, or a run that is late; one that is known already counts as one more.

    :param key: names the incident, see :func:`~sentiment_retrain.notifications.messages.incident_key`
    :param what: its code, or :data:`LATE`
    """
    known = find(aws, bucket, key) or {"since": _now(), "run_id": run_id, "what": what, "times": 0}
    aws.put_json(_uri(bucket, key), {**known, "is_open": True, "times": known["times"] + 1})


def find(aws: Aws, bucket: str, key: str) -> dict[str, Any] | None:
    """``since, run_id, what, times`` of the open incident; None when all is well."""
    document = aws.find_json(_uri(bucket, key))
    return dict(document) if document and document.get("is_open") else None


def close(aws: Aws, bucket: str, key: str) -> list[str]:
    """Note that all is well again; what was wrong, one line each, empty when nothing was."""
    known = find(aws, bucket, key)
    if known is None:
        return []
    aws.put_json(_uri(bucket, key), {"is_open": False, "until": _now()})
    return [_words(known)]


def _words(known: Mapping[str, Any]) -> str:
    times = int(known["times"])
    first = "late" if known["what"] == LATE else f"failed with {known['what']}"
    more = f", and {times - 1} more" if times > 1 else ""
    return f"Over with this run: {known['run_id']} was {first}{more}, since {known['since']}".replace(
        "was failed", "failed"
    )


def _uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/runs/incidents/{naming.slug(key, 120)}.json"


def _now() -> str:
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
