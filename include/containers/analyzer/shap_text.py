"""SHAP of free text: tokens, sentences or paragraphs are players, absent when a baseline replaces them."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from operator import getitem
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer import kernel_shap
from analyzer.config import AnalyzerError
from analyzer.links import aggregate, link_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from analyzer.config import Shap
    from analyzer.links import Scores

log = logging.getLogger(__name__)

#: How many texts are masked before the model is asked: enough to fill its batches, little enough for memory.
_TEXTS_AT_A_TIME = 16_384
_LOG_SECONDS = 10.0
# Below this an attribution's error is a third of the attribution itself or more, by experiment.
_SAMPLES_A_CHUNK = 6
_UNITS = {
    # Words with inner apostrophes and hyphens whole, every other visible character alone.
    "token": re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]"),
    "sentence": re.compile(r"\S(?:.*?[.!?\u2026\u3002]+(?=\s|$)|.*$)", re.DOTALL),
    "paragraph": re.compile(r"\S(?:.*?\S)?(?=\s*\n\s*\n|\s*$)", re.DOTALL),
}


@dataclass(frozen=True)
class Chunk:
    """A part of a text and the character it starts at."""

    text: str
    start: int


@dataclass(frozen=True)
class FeatureExplanation:
    """The chunks of one text and their attributions, shape (chunks, classes); a number is one chunk."""

    feature: str
    text: str
    chunks: list[Chunk]
    attributions: NDArray[np.float64]
    data_type: str = "free_text"


@dataclass(frozen=True)
class TextShapResult:
    """Local explanations, one list of features a row, and the mean prediction on the baseline."""

    rows: list[list[FeatureExplanation]]
    scores: NDArray[np.float64]
    expected: NDArray[np.float64]


def split(text: str, granularity: str) -> list[Chunk]:
    """Return the parts of a text: not overlapping, in order, none empty, white space around them left out."""
    return [Chunk(found.group(), found.start()) for found in _UNITS[granularity].finditer(text)]


def masked_texts(text: str, chunks: list[Chunk], masks: NDArray[np.bool_], baseline: str) -> list[str]:
    """Return one text a mask, in which the baseline string stands in the place of each absent chunk."""
    gaps, end = [], 0
    for chunk in chunks:
        gaps.append(text[end : chunk.start])
        end = chunk.start + len(chunk.text)
    choices = [(gap + baseline, gap + chunk.text) for gap, chunk in zip(gaps, chunks, strict=True)]
    tail = text[end:]
    # A pair at False is the absent chunk, at True the present one.
    return ["".join(map(getitem, choices, mask)) + tail for mask in masks.tolist()]


def explain(
    texts: Sequence[Sequence[Any]], features: list[str], baseline: list[Any], model: Scores, shap: Shap
) -> TextShapResult:
    """Return the attributions of every chunk of every row.

    texts: one row of texts a record, in the order of `features`; baseline: one string a feature. What is no
    string is one player, replaced as a whole.
    The chunks of all features of a row are the players of one game. The result depends on the seed alone, not
    on how rows fall into batches.
    """
    if shap.text_config is None:
        raise AnalyzerError("SHAP of text needs text_config.")
    link = link_of(use_logit=shap.use_logit)
    expected = link(model([baseline]))[0]
    started = last_log = time.monotonic()
    explained: list[list[FeatureExplanation]] = []
    scores: list[NDArray[np.float64]] = []
    asked = 0
    for batch in _batches(texts, baseline, shap):
        # Texts that agree once masked are asked once: the one without any part is the same for all.
        places: dict[tuple[Any, ...], int] = {}
        order = [places.setdefault(tuple(row), len(places)) for game in batch for row in game.rows]
        outputs = link(model(list(places)))[order]
        asked += len(places)
        for game in batch:
            part, outputs = outputs[: len(game.rows)], outputs[len(game.rows) :]
            values = kernel_shap.shapley_values(game.sampled, part[2:], part[0], part[1])
            explained.append(_by_feature(features, game, values))
            scores.append(part[1])
        if time.monotonic() - last_log >= _LOG_SECONDS or len(explained) == len(texts):
            last_log = time.monotonic()
            log.info(
                "Explained %d of %d rows, %d predictions, %.1f s",
                len(explained),
                len(texts),
                asked,
                last_log - started,
            )
    _warn_of_few_samples(explained, shap)
    return TextShapResult(explained, np.array(scores), expected)


def _warn_of_few_samples(explained: list[list[FeatureExplanation]], shap: Shap) -> None:
    if shap.num_samples is None:
        return
    players = [sum(len(part.chunks) for part in row) for row in explained]
    # Up to ten or so parts the samples are all there are.
    rough = sum(shap.num_samples < min(_SAMPLES_A_CHUNK * number, 2**number - 2) for number in players)
    if rough:
        log.warning(
            "num_samples is %d: the attributions of %d of %d rows are rough; their longest has %d parts, "
            "for which %d samples would do",
            shap.num_samples,
            rough,
            len(players),
            max(players),
            _SAMPLES_A_CHUNK * max(players),
        )


@dataclass(frozen=True)
class _Game:
    """One row as a game: its texts, their chunks, the coalitions, and the rows to ask the model."""

    texts: Sequence[Any]
    chunks: list[list[Chunk]]
    sampled: kernel_shap.Coalitions
    rows: list[list[Any]]


def _batches(texts: Sequence[Sequence[Any]], baseline: list[Any], shap: Shap) -> Iterator[list[_Game]]:
    batch: list[_Game] = []
    size = 0
    for index, row in enumerate(texts):
        game = _game(row, baseline, shap, np.random.default_rng([shap.seed or 0, index]))
        if batch and size + len(game.rows) > _TEXTS_AT_A_TIME:
            yield batch
            batch, size = [], 0
        batch.append(game)
        size += len(game.rows)
    if batch:
        yield batch


def _game(row: Sequence[Any], baseline: list[Any], shap: Shap, generator: np.random.Generator) -> _Game:
    granularity = shap.text_config.granularity if shap.text_config else "token"
    chunks = [
        split(value, granularity) if isinstance(value, str) else [Chunk(str(value), 0)] for value in row
    ]
    players = sum(map(len, chunks))
    sampled = kernel_shap.coalitions(
        players, shap.num_samples or kernel_shap.default_samples(players), generator
    )
    ends = np.array([[False] * players, [True] * players])
    masks = np.concatenate([ends, sampled.masks])
    columns, start = [], 0
    for text, parts, absent in zip(row, chunks, baseline, strict=True):
        present = masks[:, start : start + len(parts)]
        if isinstance(text, str):
            columns.append(masked_texts(text, parts, present, absent))
        else:
            columns.append([text if there else absent for there in present[:, 0].tolist()])
        start += len(parts)
    return _Game(row, chunks, sampled, [list(cells) for cells in zip(*columns, strict=True)])


def _by_feature(features: list[str], game: _Game, values: NDArray[np.float64]) -> list[FeatureExplanation]:
    found, start = [], 0
    for feature, text, chunks in zip(features, game.texts, game.chunks, strict=True):
        kind = "free_text" if isinstance(text, str) else "numerical"
        part = values[start : start + len(chunks)]
        found.append(FeatureExplanation(feature, str(text), chunks, part, kind))
        start += len(chunks)
    return found


def global_explanations(
    result: TextShapResult, headers: list[str], method: str, max_top_tokens: int
) -> dict[str, Any]:
    """Return the `kernel_shap` section of `analysis.json`, one entry a class.

    A text's attribution is the sum over its chunks; a token's is aggregated over all of its occurrences,
    whatever their case.
    """
    by_feature: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    by_token: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for row in result.rows:
        for part in row:
            by_feature[part.feature].append(part.attributions.sum(axis=0))
            if part.data_type != "free_text":
                continue
            for chunk, value in zip(part.chunks, part.attributions, strict=True):
                by_token[chunk.text.lower()].append(value)
    features = {name: aggregate(np.array(values), method) for name, values in by_feature.items()}
    tokens = {name: aggregate(np.array(values), method) for name, values in by_token.items()}
    section = {}
    for index, header in enumerate(headers):
        strength = {token: abs(float(value[index])) for token, value in tokens.items()}
        top = sorted(strength, key=strength.__getitem__, reverse=True)[:max_top_tokens]
        section[header] = {
            "global_shap_values": {name: float(value[index]) for name, value in features.items()},
            "expected_value": float(result.expected[index]),
            "global_top_shap_text": {token: float(tokens[token][index]) for token in top},
        }
    return section


def write_local(result: TextShapResult, path: Path, join_source: Any = None) -> None:
    """Write `explanations_shap/out.jsonl`: one record a row, one attribution a class for each chunk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        for index, row in enumerate(result.rows):
            record: dict[str, Any] = {"explanations": [_local(part) for part in row]}
            if join_source is not None:
                record["join_source_value"] = join_source[index]
            stream.write(json.dumps(record) + "\n")


def _local(part: FeatureExplanation) -> dict[str, Any]:
    if part.data_type != "free_text":
        attributions = [{"attribution": value.tolist()} for value in part.attributions]
    else:
        attributions = [
            {
                "attribution": value.tolist(),
                "description": {"partial_text": chunk.text, "start_idx": chunk.start},
            }
            for chunk, value in zip(part.chunks, part.attributions, strict=True)
        ]
    return {"attributions": attributions, "data_type": part.data_type, "feature_name": part.feature}
