"""Two runs beside each other: what was different, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.cards.outcome import headline
from sentiment_retrain.cards.rendering import count, duration, interval, measure, money, number
from sentiment_retrain.verdict.selection import METRIC_NAMES, display_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Row = dict[str, Any]
_WORST = ("fail", "warn", "pass")


def others(runs: Iterable[Mapping[str, Any]], run_key: str) -> list[dict[str, str]]:
    """Runs that one would hold a run against: the one before, and the one whose model was live then.

    :param runs: as the timeline has them, oldest first
    :returns: ``run_id, words`` of each
    """
    before: list[Mapping[str, Any]] = []
    for run in runs:
        if run["run_key"] == run_key:
            break
        before.append(run)
    else:
        return []
    before.reverse()
    candidates = (
        ("the run before", next((one for one in before if one["score"]), None)),
        ("the last that went live before", next((one for one in before if one["champion_changed"]), None)),
    )
    found: list[dict[str, str]] = []
    for words, other in candidates:
        if other and other["run_id"] not in [one["run_id"] for one in found]:
            found.append({"run_id": str(other["run_id"]), "words": f"{words}, {other['created_at'][:10]}"})
    return found


def compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What the page about two runs shows.

    :param before: a card as :func:`sentiment_retrain.cards.report.build_card` gives it; ``now``: another
    """
    both = (before, now)
    fingerprints = {((card.get("data") or {}).get("datasets") or {}).get("fingerprint") for card in both}
    groups = {
        "Best model": _models(both),
        "Gates with another result": _gates(both),
        "Reviews": _reviews(both),
        "Drift": _drift(both),
        "Effort": _effort(both),
    }
    return {
        "sides": [
            {"run_id": card["run_id"], "created_at": card["created_at"], "headline": headline(card)}
            for card in both
        ],
        "same_test": len(fingerprints) == 1 and None not in fingerprints,
        "groups": {title: rows for title, rows in groups.items() if rows},
    }


def _models(both: tuple[Mapping[str, Any], ...]) -> list[Row]:
    names = [(card.get("verdict") or {}).get("winner") for card in both]
    if not any(names):
        return []
    tests = [_test(card, name) for card, name in zip(both, names, strict=True)]
    rows = [_words("model", [display_name(name) if name else None for name in names])]
    for metric, words in METRIC_NAMES.items():
        row = _numbers(words, [test.get(metric) for test in tests], number, digits=3)
        row["details"] = [_interval(test, metric) for test in tests]
        rows.append(row)
    return [*rows, _numbers("test reviews", [test.get("n") for test in tests], count)]


def _test(card: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    model = card.get("champion") if name == "champion" else (card.get("contenders") or {}).get(name)
    return (model or {}).get("test") or {}


def _interval(test: Mapping[str, Any], metric: str) -> str:
    found = (test.get("intervals") or {}).get(metric)
    return interval(found) if found else ""


def _gates(both: tuple[Mapping[str, Any], ...]) -> list[Row]:
    """Gates that were judged differently; of several with one name the worst counts."""
    judged: list[dict[str, str]] = []
    for card in both:
        found: dict[str, str] = {}
        for gate in card.get("gates") or []:
            name, status = gate["gate"].replace("_", " "), gate["status"]
            found[name] = min(found.get(name, status), status, key=_WORST.index)
        judged.append(found)
    names = dict.fromkeys([*judged[0], *judged[1]])
    rows = [_words(name, [one.get(name, "not reached") for one in judged]) for name in names]
    return [{**row, "is_gate": True} for row in rows if row["values"][0] != row["values"][1]]


def _reviews(both: tuple[Mapping[str, Any], ...]) -> list[Row]:
    data = [card.get("data") or {} for card in both]
    labels = [_shares(one.get("labels") or {}) for one in data]
    rows = [
        _numbers("accepted", [one.get("rows_accepted") for one in data], count),
        _numbers("refused", [one.get("rows_refused") for one in data], count),
        _words("data until", [one.get("data_until") for one in data]),
        *(
            _numbers(f"{words}, %", [one.get(label) for one in labels], number, digits=1)
            for label, words in (("-1", "negative"), ("0", "neutral"), ("1", "positive"))
        ),
    ]
    return [row for row in rows if set(row["values"]) != {"–"}]


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {label: 100 * rows / total for label, rows in counts.items()} if total else {}


def _drift(both: tuple[Mapping[str, Any], ...]) -> list[Row]:
    measures = [(card.get("drift") or {}).get("measures") or {} for card in both]
    return [
        _numbers(measure(name), [(one.get(name) or {}).get("value") for one in measures], number, digits=4)
        for name in dict.fromkeys([*measures[0], *measures[1]])
    ]


def _effort(both: tuple[Mapping[str, Any], ...]) -> list[Row]:
    costs = [card.get("cost") or {} for card in both]
    seconds = [sum((card.get("timings") or {}).values()) for card in both]
    return [
        _numbers("jobs, estimated", [one.get("jobs_usd") for one in costs], money),
        _numbers("saved by reuse", [one.get("saved_by_reuse_usd") for one in costs], money),
        _numbers("task time", seconds, duration),
    ]


def _row(name: str, values: list[str], change: str) -> Row:
    return {"name": name, "values": values, "change": change, "details": [], "is_gate": False}


def _words(name: str, values: list[str | None]) -> Row:
    said = [value or "–" for value in values]
    return _row(name, said, "" if said[0] == said[1] else "changed")


def _numbers(
    name: str, values: list[float | None], say: Callable[..., str], *, digits: int | None = None
) -> Row:
    """A row with the difference, with its sign; none where one side has no number."""
    options = {} if digits is None else {"digits": digits}
    before, now = values
    change = ""
    if before is not None and now is not None and before != now:
        said = say(abs(now - before), **options)
        change = f"{'+' if now > before else '−'}{said}"
    return _row(name, [say(value, **options) for value in values], change)
