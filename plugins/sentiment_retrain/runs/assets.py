"""What a run makes, as Airflow assets: other DAGs can be scheduled on them.

Named after the installation's prefix and not after its bucket, so that a DAG elsewhere can name them without
knowing the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.settings import Settings

#: By kind: what it is.
KINDS: Mapping[str, str] = {
    "raw": "source objects as delivered, byte for byte",
    "curated": "accepted reviews, which Athena can query",
    "model": "a version of the winner in the model registry",
    "endpoint": "what the endpoint serves, verified, or rolled back to",
}


def asset(settings: Settings, kind: str) -> Asset:
    """One of `KINDS`, e.g. ``sentiment-retrain-endpoint``."""
    return Asset(name=f"{settings.prefix}-{kind}", group="sentiment_retrain", extra={"what": KINDS[kind]})


def event_extra(run: Any, result: Any) -> dict[str, Any]:
    """What an event of an asset says: the run, and the plain values that its task handed on."""
    known = result if isinstance(result, dict) else {}
    plain = {key: value for key, value in known.items() if isinstance(value, str | int | float)}
    return {"run_key": (run or {}).get("run_key"), **plain}
