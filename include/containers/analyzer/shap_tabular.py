"""SHAP of tabular features: each is a player, absent when the baseline's value replaces the row's."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyzer import kernel_shap
from analyzer.links import aggregate, link_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from analyzer.config import Shap
    from analyzer.links import Scores

    Codes = NDArray[np.int32]

log = logging.getLogger(__name__)

#: How many rows are made up before the model is asked: enough to fill its batches, little enough for memory.
_ROWS_AT_A_TIME = 65_536
# Looking for equal rows pays where at least this share of them is.
_WORTH_IT = 0.02


@dataclass(frozen=True)
class TabularShapResult:
    """Local explanations.

    values: attributions (rows, features, classes); scores: the model's (rows, classes); expected: the mean
    prediction on the baseline (classes); asked, made_up: rows the model saw and rows that were needed.
    """

    features: list[str]
    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    expected: NDArray[np.float64]
    asked: int = 0
    made_up: int = 0


def explain(rows: pd.DataFrame, baseline: pd.DataFrame, model: Scores, shap: Shap) -> TabularShapResult:
    """Return the attribution of every feature of every row to every class.

    rows, baseline: the same columns, the features; a coalition's score is the mean over the baseline's rows
    in the place of the absent features. A feature that has the baseline's only value is no player: few others
    mean that all coalitions are asked and the values are exact. Rows that agree are asked once. The result
    depends on the seed alone, not on how rows fall into batches.
    """
    encoded = _Encoding(rows, baseline)
    ask = _Asker(encoded, model)
    link = link_of(use_logit=shap.use_logit)
    expected = link(ask(encoded.baseline).mean(axis=0, keepdims=True))[0]
    if not len(rows):
        return TabularShapResult(
            list(rows.columns),
            np.zeros((0, rows.shape[1], len(expected))),
            np.zeros((0, len(expected))),
            expected,
        )
    scores = link(ask(encoded.rows))
    values = np.zeros((len(rows), rows.shape[1], len(expected)))
    players = (encoded.rows[:, None, :] != encoded.baseline[None]).any(axis=1)
    games = _Games(encoded, players, shap)
    for part in games.batches():
        made_up = [encoded.mixed(game) for game in part]
        ends = np.cumsum([len(each) for each in made_up[:-1]], dtype=np.int64)
        for game, asked in zip(part, np.split(ask(np.concatenate(made_up)), ends), strict=True):
            shape = (len(game.rows), len(game.masks), len(encoded.baseline), len(expected))
            means = asked.reshape(shape).mean(axis=2)
            outputs = link(means.reshape(-1, len(expected))).reshape(means.shape)
            found = game.solver.solve(outputs, expected, scores[game.rows])
            values[np.ix_(game.rows, np.flatnonzero(game.players))] = found
    log.info("Explained %d rows, %d predictions for %d coalitions", len(rows), ask.asked, ask.made_up)
    return TabularShapResult(list(rows.columns), values, scores, expected, ask.asked, ask.made_up)


@dataclass(frozen=True)
class _Game:
    """Some rows with the same players: their coalitions (masks over all features) and the fit over them."""

    rows: NDArray[np.int64]
    players: NDArray[np.bool_]
    masks: NDArray[np.bool_]
    solver: kernel_shap.Solver


class _Games:
    """All rows, those with the same players together, in batches of some ten thousand rows to ask."""

    def __init__(self, encoded: _Encoding, players: NDArray[np.bool_], shap: Shap) -> None:
        self._patterns, members = np.unique(players, axis=0, return_inverse=True)
        self._members = members.reshape(-1)
        self._shap = shap
        self._baseline_rows = len(encoded.baseline)
        self._solvers: dict[int, kernel_shap.Solver] = {}

    def batches(self) -> Iterator[list[_Game]]:
        """Yield games, as many at a time as make one batch."""
        batch: list[_Game] = []
        room = _ROWS_AT_A_TIME
        for index, pattern in enumerate(self._patterns):
            solver = self._solver(int(pattern.sum()))
            masks = np.zeros((len(solver.sampled.masks), len(pattern)), dtype=bool)
            masks[:, pattern] = solver.sampled.masks
            cost = max(1, len(masks) * self._baseline_rows)
            left = np.flatnonzero(self._members == index)
            while len(left):
                if batch and room < cost:
                    yield batch
                    batch, room = [], _ROWS_AT_A_TIME
                taken = max(1, room // cost)
                batch.append(_Game(left[:taken], pattern, masks, solver))
                room -= cost * len(left[:taken])
                left = left[taken:]
        if batch:
            yield batch

    def _solver(self, players: int) -> kernel_shap.Solver:
        if players not in self._solvers:
            samples = self._shap.num_samples or kernel_shap.default_samples(players)
            generator = np.random.default_rng([self._shap.seed or 0, players])
            self._solvers[players] = kernel_shap.Solver(kernel_shap.coalitions(players, samples, generator))
        return self._solvers[players]


class _Encoding:
    """Rows and baseline as whole numbers: equal values of a feature have equal numbers."""

    def __init__(self, rows: pd.DataFrame, baseline: pd.DataFrame) -> None:
        codes, self._values = [], []
        for name in rows.columns:
            both = pd.concat([baseline[name], rows[name]], ignore_index=True)
            numbers, values = pd.factorize(both, use_na_sentinel=False)
            codes.append(numbers.astype(np.int32))
            self._values.append(values.to_numpy() if isinstance(values, pd.Index) else np.asarray(values))
        table = np.stack(codes, axis=1)
        self.baseline, self.rows = table[: len(baseline)], table[len(baseline) :]
        self.sizes = [len(values) for values in self._values]

    def mixed(self, game: _Game) -> Codes:
        """Return the rows to ask for a game: row by row, coalition by coalition, over each baseline row."""
        rows = self.rows[game.rows][:, None, None, :]
        made_up = np.where(game.masks[None, :, None, :], rows, self.baseline[None, None])
        return made_up.reshape(-1, self.rows.shape[1])

    def decoded(self, codes: Codes) -> list[NDArray[Any]]:
        """Return the values of each feature for rows of numbers."""
        return [values[codes[:, index]] for index, values in enumerate(self._values)]


class _Asker:
    """Asks the model about rows of numbers, about equal ones once."""

    def __init__(self, encoded: _Encoding, model: Scores) -> None:
        self._encoded = encoded
        self._model = model
        self._deduplicate = True
        self._classes = 0
        self.asked = self.made_up = 0

    def __call__(self, codes: Codes) -> NDArray[np.float64]:
        if not len(codes):
            return np.zeros((0, self._classes))
        places, chosen = self._distinct(codes)
        self.asked += len(chosen)
        self.made_up += len(codes)
        answers = self._model(Columns(self._encoded.decoded(chosen)))
        self._classes = answers.shape[1]
        return np.asarray(answers if places is None else answers[places])

    def _distinct(self, codes: Codes) -> tuple[NDArray[np.int64] | None, Codes]:
        if not self._deduplicate:
            return None, codes
        # One number a row where they fit in one, which is much faster to compare.
        if np.prod([float(size) for size in self._encoded.sizes]) < 2**62:
            packed: NDArray[Any] = np.zeros(len(codes), dtype=np.int64)
            for index, size in enumerate(self._encoded.sizes):
                packed = packed * size + codes[:, index]
        else:
            whole = np.dtype((np.void, codes.dtype.itemsize * codes.shape[1]))
            packed = np.ascontiguousarray(codes).view(whole).reshape(-1)
        return self._first_of_each(packed, codes)

    def _first_of_each(self, packed: NDArray[Any], codes: Codes) -> tuple[NDArray[np.int64] | None, Codes]:
        if packed.dtype.kind == "i":
            places, values = pd.factorize(packed)
            first = np.empty(len(values), dtype=np.int64)
            first[places[::-1]] = np.arange(len(codes))[::-1]
        else:
            _, first, places = np.unique(packed, return_index=True, return_inverse=True)
        if len(codes) > 1000 and len(first) > (1 - _WORTH_IT) * len(codes):
            self._deduplicate = False
            return None, codes
        return places, codes[first]


class Columns:
    """Rows given by their columns: a sequence of rows that a model in the same program can take whole."""

    def __init__(self, columns: Sequence[NDArray[Any]]) -> None:
        """columns: one array of values a feature."""
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Any:
        return zip(*(column.tolist() for column in self.columns), strict=True)


def baseline_rows(frame: pd.DataFrame, clusters: int | None, seed: int) -> pd.DataFrame:
    """Return a baseline made from the data: the centres of clusters of its rows.

    Numbers are averaged within a cluster, other features take their most frequent value there. clusters: at
    most so many (15, the upper end of Clarify's own choice, when None).
    """
    from sklearn.cluster import KMeans

    numbers = frame.select_dtypes([np.number, bool])
    coded = [pd.get_dummies(frame[name].astype(str)) for name in frame.columns if name not in numbers]
    scaled = (numbers - numbers.mean()) / numbers.std(ddof=0).replace(0, 1)
    table = pd.concat([scaled.fillna(0.0), *coded], axis="columns").to_numpy(dtype=np.float64)
    number = min(clusters or 15, len(np.unique(table, axis=0)))
    groups = KMeans(number, random_state=seed, n_init=3).fit_predict(table)
    centres = {
        name: frame[name].groupby(groups).mean()
        if name in numbers
        else frame[name].groupby(groups).agg(lambda values: values.mode(dropna=False).iloc[0])
        for name in frame.columns
    }
    return pd.DataFrame(centres).reset_index(drop=True)


def global_explanations(
    result: TabularShapResult, headers: list[str], method: str, shown: Sequence[str]
) -> dict[str, Any]:
    """Return the `kernel_shap` section of `analysis.json`, one entry a class, of the features `shown`."""
    strength = aggregate(result.values, method)
    return {
        header: {
            "global_shap_values": {
                name: float(strength[position, index])
                for position, name in enumerate(result.features)
                if name in shown
            },
            "expected_value": float(result.expected[index]),
        }
        for index, header in enumerate(headers)
    }


def write_local(
    result: TabularShapResult,
    headers: list[str],
    shown: Sequence[str],
    path: Path,
    join: pd.Series[Any] | None = None,
) -> None:
    """Write local values as CSV: one row a record, one column `<feature>_<class>`, the join key last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(
        {
            f"{name}_{header}": result.values[:, position, index]
            for index, header in enumerate(headers)
            for position, name in enumerate(result.features)
            if name in shown
        }
    )
    if join is not None:
        table[str(join.name)] = join.to_numpy()
    table.to_csv(path, index=False)
