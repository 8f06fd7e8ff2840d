"""Which words decide: reads the local text explanations (`out.jsonl`) of Clarify or our analyzer."""

from __future__ import annotations

import collections
import json
from typing import TYPE_CHECKING, Any

from sentiment_retrain.data.datasets import LABELS
from sentiment_retrain.errors import ResultMalformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def top_tokens(lines: Iterable[str], count: int = 12) -> dict[str, list[dict[str, Any]]]:
    """The tokens that push most towards each class.

    Tokens are lower-cased and stripped of punctuation at their ends; what is left empty is not counted.

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
