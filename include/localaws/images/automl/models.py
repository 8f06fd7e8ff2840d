"""Trained candidates as their algorithm containers hold them: an average over the models of the folds.

The linear and the multilayer models need only NumPy to predict, so that their containers start fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


# A dense array or a SciPy sparse matrix, of shape (rows, features); SciPy has no types to say so.
Matrix: TypeAlias = Any
NETWORK_FILE = "model.npz"


class Model(Protocol):
    """Predicts class probabilities."""

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Probabilities of shape (rows, classes), each row summing to 1."""

    def save(self, directory: Path) -> None:
        """Write the model's files."""


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Row-wise softmax of shape (rows, classes)."""
    exponents = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float64)


class Network:
    """Layers of weights with rectified linear units between; a linear model is a network of one layer."""

    def __init__(self, layers: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> None:
        """Take (weights of shape (inputs, outputs), biases of shape (outputs,)) of each layer."""
        self.layers = [(weights.astype(np.float32), biases.astype(np.float32)) for weights, biases in layers]

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Probabilities of shape (rows, classes)."""
        values: Any = matrix
        for position, (weights, biases) in enumerate(self.layers):
            values = np.asarray(values @ weights) + biases
            if position < len(self.layers) - 1:
                values = np.maximum(values, 0)
        return softmax(values)


class NetworkAverage:
    """The mean probability over networks."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """Take the networks of the folds."""
        self.networks = list(networks)

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Probabilities of shape (rows, classes)."""
        return np.asarray(np.mean([network.predict_proba(matrix) for network in self.networks], axis=0))

    def save(self, directory: Path) -> None:
        """Write all networks into one file."""
        arrays = {
            f"{fold}_{position}_{part}": array
            for fold, network in enumerate(self.networks)
            for position, layer in enumerate(network.layers)
            for part, array in zip(("weights", "biases"), layer, strict=True)
        }
        directory.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(directory / NETWORK_FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, directory: Path) -> NetworkAverage:
        """Read what `save` wrote; raises `FileNotFoundError` when it is not there."""
        with np.load(directory / NETWORK_FILE) as arrays:
            shapes: dict[int, int] = {}
            for name in arrays.files:
                fold, position = (int(part) for part in name.split("_")[:2])
                shapes[fold] = max(shapes.get(fold, 0), position + 1)
            return cls(
                [
                    Network(
                        [
                            (arrays[f"{fold}_{position}_weights"], arrays[f"{fold}_{position}_biases"])
                            for position in range(depth)
                        ]
                    )
                    for fold, depth in sorted(shapes.items())
                ]
            )


class BoosterAverage:
    """The mean probability over gradient-boosted trees, one file `xgboost-model-<fold>` each."""

    def __init__(self, boosters: Sequence[Any]) -> None:
        """Take the `xgboost.Booster`s of the folds, trained with multi:softprob."""
        self.boosters = list(boosters)

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Probabilities of shape (rows, classes)."""
        import xgboost

        rows = xgboost.DMatrix(matrix, nthread=1)
        total = np.sum([booster.predict(rows) for booster in self.boosters], axis=0, dtype=np.float64)
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    def save(self, directory: Path) -> None:
        """Write one file a booster."""
        directory.mkdir(parents=True, exist_ok=True)
        for fold, booster in enumerate(self.boosters):
            (directory / f"xgboost-model-{fold}").write_bytes(booster.save_raw("ubj"))

    @classmethod
    def load(cls, directory: Path) -> BoosterAverage:
        """Read what `save` wrote; raises `FileNotFoundError` when there is no booster."""
        import xgboost

        paths = sorted(directory.glob("xgboost-model*"))
        if not paths:
            raise FileNotFoundError(f"{directory} holds no file xgboost-model*")
        boosters = []
        for path in paths:
            booster = xgboost.Booster({"nthread": 1})
            booster.load_model(bytearray(path.read_bytes()))
            boosters.append(booster)
        return cls(boosters)
