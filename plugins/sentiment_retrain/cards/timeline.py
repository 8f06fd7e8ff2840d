"""All runs in a few numbers each: what the timeline shows, and the index that keeps it quick.

The cards are the truth. ``timeline/index.json`` only remembers what was read from each, under the ETag that
the card had: a reader lists the cards, reads those that the index does not know, and is right even where the
index is lost, old, or was written by two runs at once.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain.aws.hooks import MAX_CONNECTIONS
from sentiment_retrain.cards.outcome import outcome
from sentiment_retrain.errors import RetrainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sentiment_retrain.aws.hooks import Aws

log = logging.getLogger(__name__)

INDEX_VERSION = 2
INDEX_KEY = "timeline/index.json"
#: Runs that a timeline holds; older ones keep their cards.
MOST_RUNS = 500
_CARD = "/card.json"


class Timeline(NamedTuple):
    """Every run's summary, oldest first, and the run keys of the cards that cannot be read."""

    runs: list[dict[str, Any]]
    unreadable: list[str]


def summarize(card: Mapping[str, Any]) -> dict[str, Any]:
    """A run in the numbers that the timeline shows. Parts that the run never reached are None.

    :param card: as :func:`sentiment_retrain.cards.report.build_card` gives it
    """
    verdict = card.get("verdict") or {}
    endpoint = card.get("endpoint") or {}
    statuses = [gate["status"] for gate in card.get("gates") or []]
    measures = (card.get("drift") or {}).get("measures") or {}
    cost = card.get("cost") or {}
    return {
        "run_key": card["run_key"],
        "run_id": card["run_id"],
        "dag_id": card.get("dag_id"),
        "mode": card.get("mode"),
        "created_at": card["created_at"],
        "status": card["status"],
        "failure": _failure(card.get("failure")),
        "outcome": outcome(card),
        "action": verdict.get("action"),
        "winner": verdict.get("winner"),
        "metric": verdict.get("metric"),
        "score": _score(_test(card, verdict.get("winner")), verdict.get("metric")),
        "champion_score": _score((card.get("champion") or {}).get("test"), verdict.get("metric")),
        "champion_changed": bool(endpoint.get("changed")),
        "model_name": endpoint.get("model_name"),
        "drift": {name: measure.get("value") for name, measure in measures.items()},
        "gates": {status: statuses.count(status) for status in ("pass", "warn", "fail")},
        "cost_usd": cost.get("jobs_usd"),
        "saved_usd": cost.get("saved_by_reuse_usd"),
        "rows": (card.get("data") or {}).get("rows_accepted"),
        "seconds": round(sum((card.get("timings") or {}).values()), 1),
    }


def read_timeline(aws: Aws, bucket: str) -> Timeline:
    """All runs; see the module for how many requests that takes.

    :raises RetrainError: when the bucket cannot be read
    """
    cards = _newest_cards(aws, bucket)
    known = _known(aws, bucket)
    remembered = {key: known[key] for key, etag in cards.items() if known.get(key, {}).get("etag") == etag}
    changed = [key for key in cards if key not in remembered]
    with ThreadPoolExecutor(MAX_CONNECTIONS) as pool:
        found = pool.map(lambda key: _read(aws, bucket, key), changed)
        read = {key: {"etag": cards[key], "run": run} for key, run in zip(changed, found, strict=True) if run}
    current = {**remembered, **read}
    if read or len(known) != len(current):
        _remember(aws, bucket, current)
    runs = sorted((entry["run"] for entry in current.values()), key=lambda run: str(run["created_at"]))
    return Timeline(runs, sorted(set(cards) - set(current)))


def of_dag(runs: Iterable[Mapping[str, Any]], dag_id: str) -> list[dict[str, Any]]:
    """The runs of one DAG: who may see one may not see all."""
    return [dict(run) for run in runs if run["dag_id"] == dag_id]


def _newest_cards(aws: Aws, bucket: str) -> dict[str, str]:
    """ETag of each card by run key."""
    prefix = f"s3://{bucket}/runs/"
    found = {
        entry.uri.removeprefix(prefix).removesuffix(_CARD): (entry.etag, entry.modified)
        for entry in aws.list_objects(prefix)
        if entry.uri.endswith(_CARD)
    }
    newest = sorted(found, key=lambda key: found[key][1])[-MOST_RUNS:]
    return {key: found[key][0] for key in newest}


def _known(aws: Aws, bucket: str) -> dict[str, dict[str, Any]]:
    """What the index remembers by run key; nothing where there is none of this version."""
    try:
        index = aws.find_json(f"s3://{bucket}/{INDEX_KEY}")
    except RetrainError as error:
        log.warning("the timeline's index is read anew from the cards: %s", error)
        return {}
    if not isinstance(index, dict) or index.get("version") != INDEX_VERSION:
        return {}
    return dict(index["runs"])


def _read(aws: Aws, bucket: str, run_key: str) -> dict[str, Any] | None:
    """A run read from its card; None for a card that is none."""
    uri = f"s3://{bucket}/runs/{run_key}{_CARD}"
    try:
        run = summarize(aws.get_json(uri))
        _check_types(run)
        return run
    except (RetrainError, KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("%s is left out of the timeline: %r", uri, error)
        return None


def _check_types(run: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for what the page about all runs would stumble over: one card must not cost it."""
    scores = [run["score"] or {}, run["champion_score"] or {}]
    numbers = [
        run["cost_usd"],
        run["saved_usd"],
        *run["drift"].values(),
        *(one.get("value") for one in scores),
    ]
    ends = [end for one in scores for end in one.get("interval") or ()]
    wrong = [value for value in (*numbers, *ends) if not isinstance(value, int | float | None)]
    wrong += [run[key] for key in ("run_key", "run_id", "created_at") if not isinstance(run[key], str)]
    if wrong:
        raise TypeError(f"{wrong[:3]} where numbers, names and times belong")


def _remember(aws: Aws, bucket: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the index. Who may only read goes without: the next run writes it."""
    content = json.dumps({"version": INDEX_VERSION, "runs": entries}, separators=(",", ":")).encode()
    try:
        aws.put_bytes(f"s3://{bucket}/{INDEX_KEY}", content, "application/json")
    except RetrainError as error:
        log.info("the timeline's index was not written: %s", error)


def _failure(failure: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {key: failure.get(key) for key in ("task", "code", "title")} if failure else None


def _test(card: Mapping[str, Any], name: str | None) -> Mapping[str, Any] | None:
    """Metrics of the winner, which may be the champion itself."""
    model = card.get("champion") if name == "champion" else (card.get("contenders") or {}).get(name)
    return (model or {}).get("test")


def _score(test: Mapping[str, Any] | None, metric: str | None) -> dict[str, Any] | None:
    if not test or not metric or test.get(metric) is None:
        return None
    interval = (test.get("intervals") or {}).get(metric)
    is_known = interval and None not in interval
    return {"value": test[metric], "interval": interval if is_known else None, "n": test.get("n")}
