"""Algorithms of Autopilot's hyperparameter tuning mode: their hyperparameters, and how one fold is trained.

Real ranges of XGBoost come from a recorded Autopilot job; number of rounds and eta are narrowed here,
because three draws from the real range ended with useless learning rates. Ranges of the other two are ours.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from automl.models import BoosterAverage, Network, NetworkAverage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.models import Matrix, Model
    from numpy.typing import NDArray

SEED = 0
BALANCE = "balance_multiclass_weights"


@dataclass(frozen=True)
class Range:
    """The range a hyperparameter is drawn from."""

    low: float
    high: float
    logarithmic: bool = True
    integer: bool = False


Hyperparameters = dict[str, float]

# 1: a class weighs as much as any other, however few rows it has. Linear Learner has this switch; the
# weights that Autopilot gives the other two are not published.
_BALANCE_RANGE = {BALANCE: Range(0, 1, logarithmic=False, integer=True)}


def row_weights(ordinals: NDArray[np.int64], drawn: Hyperparameters) -> NDArray[np.float64]:
    """Weight of each row, 1 on average: rows / (classes * rows of its class) when balanced, else 1."""
    if not drawn[BALANCE]:
        return np.ones(len(ordinals))
    counts = np.bincount(ordinals)
    return np.asarray((len(ordinals) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[ordinals])


class Algorithm:
    """One algorithm: its name in the API, in paths, its image, its hyperparameters and its training."""

    name: str
    short_name: str
    static: Mapping[str, object]
    ranges: Mapping[str, Range]

    def fit(self, matrix: Matrix, ordinals: NDArray[np.int64], classes: int, drawn: Hyperparameters) -> Any:
        """Train one fold: `matrix` of shape (rows, features), `ordinals` of shape (rows,)."""
        raise NotImplementedError

    def average(self, members: Sequence[Any]) -> Model:
        """One model of the folds' models."""
        return NetworkAverage(members)


class XGBoost(Algorithm):
    """Gradient-boosted trees."""

    name, short_name = "xgboost", "xgb"
    # Term weights need few bins, and each bin costs time.
    static: Mapping[str, object] = {"objective": "multi:softprob", "tree_method": "hist", "max_bin": 16}
    ranges: Mapping[str, Range] = {
        "num_round": Range(32, 256, integer=True),
        "max_depth": Range(2, 8, integer=True),
        "eta": Range(0.03, 1.0),
        "gamma": Range(1e-6, 64),
        "min_child_weight": Range(1e-6, 32),
        "subsample": Range(0.5, 1.0, logarithmic=False),
        "colsample_bytree": Range(0.3, 1.0, logarithmic=False),
        "lambda": Range(1e-6, 2),
        "alpha": Range(1e-6, 2),
        **_BALANCE_RANGE,
    }

    def fit(self, matrix: Matrix, ordinals: NDArray[np.int64], classes: int, drawn: Hyperparameters) -> Any:
        """Train one booster."""
        import xgboost

        integers = {name: int(drawn[name]) for name, limits in self.ranges.items() if limits.integer}
        fixed = {"num_class": classes, "seed": SEED, "nthread": 1, "verbosity": 0}
        parameters = {**self.static, **drawn, **integers, **fixed}
        del parameters["num_round"], parameters[BALANCE]
        rows = xgboost.DMatrix(matrix, label=ordinals, weight=row_weights(ordinals, drawn), nthread=1)
        return xgboost.train(parameters, rows, integers["num_round"])

    def average(self, members: Sequence[Any]) -> Model:
        """All boosters, averaged."""
        return BoosterAverage(members)


class LinearLearner(Algorithm):
    """Multinomial logistic regression; `wd` is the weight of the L2 penalty per row."""

    name, short_name = "linear-learner", "ll"
    static: Mapping[str, object] = {"predictor_type": "multiclass_classifier", "loss": "softmax_loss"}
    ranges: Mapping[str, Range] = {"wd": Range(1e-5, 1e-2), **_BALANCE_RANGE}

    def fit(self, matrix: Matrix, ordinals: NDArray[np.int64], classes: int, drawn: Hyperparameters) -> Any:
        """Train one linear model."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1 / (drawn["wd"] * len(ordinals)), max_iter=300, random_state=SEED)
        model.fit(matrix, ordinals, sample_weight=row_weights(ordinals, drawn))
        weights, biases = model.coef_, model.intercept_
        if classes == 2:  # scikit-learn keeps only the second class's score
            weights, biases = np.vstack([0 * weights, weights]), np.concatenate([0 * biases, biases])
        return Network([(weights.T, biases)])


class MultilayerPerceptron(Algorithm):
    """A feed-forward network of one hidden layer."""

    name, short_name = "mlp", "mlp"
    # Small data needs small batches to be seen often enough in few epochs.
    static: Mapping[str, object] = {"network_type": "feedforward", "mini_batch_size": "rows / 40, 16 to 128"}
    ranges: Mapping[str, Range] = {
        "layers": Range(8, 64, integer=True),
        "learning_rate": Range(1e-3, 1e-2),
        "weight_decay": Range(1e-4, 1.0),
        "epochs": Range(4, 16, integer=True),
        **_BALANCE_RANGE,
    }

    def fit(self, matrix: Matrix, ordinals: NDArray[np.int64], classes: int, drawn: Hyperparameters) -> Any:
        """Train one network for a fixed number of epochs."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        model = MLPClassifier(
            hidden_layer_sizes=(int(drawn["layers"]),),
            learning_rate_init=drawn["learning_rate"],
            alpha=drawn["weight_decay"],
            max_iter=int(drawn["epochs"]),
            batch_size=int(np.clip(len(ordinals) // 40, 16, 128)),
            random_state=SEED,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the point
            model.fit(matrix, ordinals, sample_weight=row_weights(ordinals, drawn))
        layers = list(zip(model.coefs_, model.intercepts_, strict=True))
        if classes == 2:  # one logistic output there, two softmax outputs here
            weights, biases = layers[-1]
            layers[-1] = (np.hstack([0 * weights, weights]), np.concatenate([0 * biases, biases]))
        return Network(layers)


ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm for algorithm in (LinearLearner(), XGBoost(), MultilayerPerceptron())
}
