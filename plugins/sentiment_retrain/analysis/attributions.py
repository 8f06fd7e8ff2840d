"""Which words decide: reads the local text explanations (`out.jsonl`) of Clarify or our analyzer."""

from __future__ import annotations

import collections
import json
import math
from typing import TYPE_CHECKING, Any

from sentiment_retrain.data.datasets import LABELS
from sentiment_retrain.errors import ResultMalformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def token_attributions(lines: Iterable[str]) -> dict[str, list[float]]:
    """``{token: mean attribution over its occurrences, one number a class}``, classes in the order -1, 0, 1.

    Tokens are lower-cased and stripped of punctuation at their ends; what is left empty is not counted.

    :param lines: the lines of out.jsonl
    :raises ResultMalformed: when a line is not of the documented form
    """
    totals: dict[str, list[float]] = collections.defaultdict(lambda: [0.0] * len(LABELS))
    seen: collections.Counter[str] = collections.Counter()
    for token, values in occurrences(lines):
        seen[token] += 1
        totals[token] = [total + value for total, value in zip(totals[token], values, strict=True)]
    return {token: [total / seen[token] for total in values] for token, values in totals.items()}


def top_tokens(lines: Iterable[str], count: int = 12) -> dict[str, list[dict[str, Any]]]:
    """The tokens that push most towards each class.

    :return: ``{"-1": [{"token", "attribution", "occurrences"}, …], "0": …, "1": …}``; ``attribution`` is
        the sum over occurrences divided by the number of reviews, so that a token counts by how strong
        and how frequent it is
    """
    lines = list(lines)
    reviews = max(1, len(lines))
    totals: dict[str, list[float]] = {}
    seen: collections.Counter[str] = collections.Counter()
    for token, values in occurrences(lines):
        before = totals.get(token, [0.0] * len(LABELS))
        totals[token] = [total + value for total, value in zip(before, values, strict=True)]
        seen[token] += 1
    result: dict[str, list[dict[str, Any]]] = {}
    for position, label in enumerate(LABELS):
        ranked = sorted(totals, key=lambda token, at=position: (-totals[token][at], token))  # type: ignore[misc]
        result[str(label)] = [
            {
                "token": token,
                "attribution": totals[token][position] / reviews,
                "occurrences": seen[token],
            }
            for token in ranked[:count]
            if totals[token][position] > 0
        ]
    return result


def importance(lines: Iterable[str]) -> dict[str, float]:
    """``{token: mean absolute attribution summed over the classes}``, the most important first."""
    means = token_attributions(lines)
    scores = {token: sum(map(abs, values)) for token, values in means.items()}
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def ndcg(baseline: Mapping[str, float], current: Mapping[str, float], tokens: int) -> float:
    """Agreement of two rankings of the baseline's most important tokens: 1 the same order, towards 0 another.

    Normalised discounted cumulative gain, with the baseline's importance as the gain, as SageMaker Model
    Monitor measures feature attribution drift. A token that is not in ``current`` ranks last.
    """
    followed = sorted(baseline, key=lambda token: (-baseline[token], token))[:tokens]
    order = sorted(followed, key=lambda token: (-current.get(token, 0.0), token))
    ideal = _discounted_gain([baseline[token] for token in followed])
    return _discounted_gain([baseline[token] for token in order]) / ideal if ideal > 0 else 1.0


def _discounted_gain(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def occurrences(lines: Iterable[str]) -> Iterator[tuple[str, list[float]]]:
    """Each token of each review as it occurs, with its attribution to each class.

    :raises ResultMalformed: when a line is not of the documented form
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            for feature in json.loads(line)["explanations"]:
                for part in feature["attributions"]:
                    yield from _occurrence(part)
        except (ValueError, KeyError, TypeError) as error:
            raise ResultMalformed(
                observed=f"line {number} of out.jsonl: {line[:160]!r} ({error!r})",
                expected="explanations with attributions of one number a class, and their partial_text",
            ) from error


def _occurrence(part: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    values = [float(value) for value in part["attribution"]]
    if len(values) != len(LABELS):
        raise ValueError(f"{len(values)} attributions, expected {len(LABELS)}")
    token = part["description"]["partial_text"].lower().strip(" \t\r\n.,;:!?\"'()[]{}*-_/\\")
    if token:
        yield token, values
