"""Which column was made of which."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from openlineage.client.facet_v2 import column_lineage_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.lineage.names import Name


class Origin(NamedTuple):
    """A column of an input.

    :param how: what was done to it; empty where it is the same
    """

    source: Name
    column: str
    how: str = ""


def column_lineage(
    origins: Mapping[str, Origin],
) -> column_lineage_dataset.ColumnLineageDatasetFacet | None:
    """The facet; None where no column has an origin."""
    if not origins:
        return None
    fields = {column: _field(origin) for column, origin in origins.items()}
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)


def same(source: Name, *names: str) -> dict[str, Origin]:
    """Columns taken over as they are."""
    return {name: Origin(source, name) for name in names}


def _field(origin: Origin) -> column_lineage_dataset.Fields:
    transformation = column_lineage_dataset.Transformation(
        type="DIRECT",
        subtype="TRANSFORMATION" if origin.how else "IDENTITY",
        description=origin.how or None,
        masking=False,
    )
    source = column_lineage_dataset.InputField(
        *origin.source, field=origin.column, transformations=[transformation]
    )
    return column_lineage_dataset.Fields(inputFields=[source])
