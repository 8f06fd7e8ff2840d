"""The two facets for which OpenLineage has no standard one. Their schemas are in ``include/lineage``."""

from __future__ import annotations

from typing import Any

import attr
from openlineage.client.facet_v2 import DatasetFacet, RunFacet

PRODUCER = "urn:sentiment-retrain"
_SCHEMA = f"{PRODUCER}:openlineage:1-0-0"


@attr.define(kw_only=True)
class WorkRunFacet(RunFacet):
    """Which run of the pipeline it was, what it paid AWS for, and what it did not have to pay again.

    :param jobs: ``kind, name, arn, outcome, owner, billableSeconds, costUsd`` of each SageMaker job
    :param queries: ``name, id, bytesScanned`` of each Athena query
    :param costUsd: what the jobs cost that this task submitted; a reused job costs nothing again
    :param reused: whether all that the task hands on had been made before
    """

    KEY = "sentimentRetrain_work"

    runKey: str  # noqa: N815 - OpenLineage writes names of fields so
    mode: str
    jobs: list[dict[str, Any]] = attr.field(factory=list)
    queries: list[dict[str, Any]] = attr.field(factory=list)
    costUsd: float | None = None  # noqa: N815
    reused: bool = False

    @staticmethod
    def _get_schema() -> str:
        return f"{_SCHEMA}:WorkRunFacet.json#/$defs/WorkRunFacet"


@attr.define(kw_only=True)
class ModelMetricsDatasetFacet(DatasetFacet):
    """How well a model did.

    :param rows: test reviews
    :param testSet: name of the data set of the test reviews
    :param metrics: by name, as the run card has them
    """

    KEY = "sentimentRetrain_modelMetrics"

    contender: str
    rows: int
    testSet: str  # noqa: N815
    metrics: dict[str, float] = attr.field(factory=dict)

    @staticmethod
    def _get_schema() -> str:
        return f"{_SCHEMA}:ModelMetricsDatasetFacet.json#/$defs/ModelMetricsDatasetFacet"
