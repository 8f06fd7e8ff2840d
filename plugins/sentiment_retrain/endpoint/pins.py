"""The pin: a durable mark that no scheduled run may replace what is live.

It lies in the bucket and not on the endpoint, so that it outlives an endpoint that is made anew.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws

HOW_TO_LIFT = "`make rollback UNPIN=1`, or a run with mode: unpin, lifts the pin"


def pin_uri(bucket: str, endpoint_name: str) -> str:
    """Where the pin of an endpoint lies."""
    return f"s3://{bucket}/endpoints/{endpoint_name}/pin.json"


def find_pin(aws: Aws, bucket: str, endpoint_name: str) -> dict[str, Any] | None:
    """``model_name, endpoint_config_name, pinned_at, run_key, reason``, None when nothing is pinned."""
    document = aws.find_json(pin_uri(bucket, endpoint_name))
    return dict(document) if document and document.get("is_pinned") else None


def pin(
    aws: Aws, run: Mapping[str, Any], endpoint_name: str, *, model_name: str, config: str, reason: str
) -> dict[str, Any]:
    """Pin what is live, or is about to be, until :func:`unpin`; :func:`withdraw` restores an earlier pin."""
    earlier = find_pin(aws, run["bucket"], endpoint_name)
    if earlier and earlier["run_key"] == run["run_key"]:
        earlier = earlier.get("earlier")
    if earlier:
        # One step back is enough; a chain of all that ever were would grow without end.
        earlier["earlier"] = None
    document = {"is_pinned": True, "model_name": model_name, "endpoint_config_name": config, "reason": reason}
    return _write(aws, run, endpoint_name, document | {"earlier": earlier})


def withdraw(aws: Aws, run: Mapping[str, Any], endpoint_name: str) -> None:
    """Take back this run's pin, if there is one: what it was to hold never went live."""
    found = find_pin(aws, run["bucket"], endpoint_name)
    if not found or found["run_key"] != run["run_key"]:
        return
    if found.get("earlier"):
        aws.put_json(pin_uri(run["bucket"], endpoint_name), found["earlier"])
    else:
        unpin(aws, run, endpoint_name)


def unpin(aws: Aws, run: Mapping[str, Any], endpoint_name: str) -> dict[str, Any]:
    """Lift the pin; the document stays, and says when and by which run."""
    return _write(aws, run, endpoint_name, {"is_pinned": False})


def explain(found: Mapping[str, Any]) -> str:
    """The pin in a sentence."""
    return (
        f"the endpoint is pinned to {found['model_name']} since {found['pinned_at']} "
        f"({found['reason']}, run {found['run_key']}); {HOW_TO_LIFT}"
    )


def _write(aws: Aws, run: Mapping[str, Any], endpoint_name: str, document: dict[str, Any]) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    when = "pinned_at" if document["is_pinned"] else "unpinned_at"
    document = {**document, when: now, "run_key": run["run_key"]}
    aws.put_json(pin_uri(run["bucket"], endpoint_name), document)
    return document
