"""The flip test: would the rows of one side be decided otherwise if they were of the other side?

Black, Yeom and Fredrikson, FlipTest (2020), with the nearest neighbours that Clarify's documentation names in
place of optimal transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.facet_counts import MetricError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_NEIGHBOURS = 5
# With fewer rows than this on the other side a single neighbour decides.
_ENOUGH_ROWS = 10
_ROWS_AT_A_TIME = 50_000


def flip_test(features: pd.DataFrame, sensitive: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float:
    """Return (rows better off here - rows worse off here) / rows here, -1 to 1, 0 when nothing would change.

    features: one column a numeric feature, without facet and labels; sensitive, predicted: of each row,
    whether it has the facet value under test, and whether its prediction is positive. "Here" are the
    sensitive rows, compared with the predictions of their nearest neighbours among all others.

    Raises `MetricError` when a side is empty, or features are not numbers or have gaps.
    """
    if not sensitive.any():
        raise MetricError("Facet set is empty")
    if sensitive.all():
        raise MetricError("Negated Facet set is empty")
    if features.select_dtypes([np.number, bool]).shape[1] != features.shape[1]:
        raise MetricError("FlipTest does not support non-numeric columns")
    values = features.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        difference = _difference(values, sensitive, predicted)
    except ValueError as error:
        raise MetricError(str(error)) from error
    return float(difference / int(sensitive.sum()))


def _difference(values: NDArray[np.float64], sensitive: NDArray[np.bool_], predicted: NDArray[Any]) -> int:
    # Slow to import, and few analyses need it.
    from sklearn.neighbors import KNeighborsClassifier

    others = ~sensitive
    neighbours = _NEIGHBOURS if int(others.sum()) >= _ENOUGH_ROWS else 1
    model = KNeighborsClassifier(n_neighbors=neighbours).fit(values[others], predicted[others])
    here, decided = values[sensitive], predicted[sensitive]
    difference = 0
    for start in range(0, len(here), _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        elsewhere = model.predict(here[part])
        difference += int((decided[part] & ~elsewhere).sum()) - int((~decided[part] & elsewhere).sum())
    return difference
