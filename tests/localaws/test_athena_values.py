"""Each query gives the values that Trino's documentation gives or implies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import athena_dates
import athena_relations
import athena_scalars
import athena_zones
import pytest

if TYPE_CHECKING:
    from athena_queries import Queries


VALUES = [*athena_dates.VALUES, *athena_relations.VALUES, *athena_scalars.VALUES, *athena_zones.VALUES]


@pytest.mark.parametrize(("sql", "expected"), VALUES)
def test_query_gives_trinos_values(queries: Queries, sql: str, expected: str) -> None:
    assert queries.line(sql) == expected
