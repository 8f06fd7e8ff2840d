"""A data set with its facets, as a task reads or writes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    base_subset_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    input_statistics_input_dataset,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    schema_dataset,
    storage_dataset,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from openlineage.client.facet_v2 import DatasetFacet, InputDatasetFacet, OutputDatasetFacet

    from sentiment_retrain.lineage.names import Name

Change = lifecycle_state_change_dataset.LifecycleStateChange
#: More parts of a data set are not listed: an event is no inventory.
MAXIMUM_PARTS = 400


@dataclass(frozen=True)
class Part:
    """What of a data set a task read or wrote.

    :param rows: and ``size`` in bytes, ``files``: None where nobody counted
    :param locations: URIs of objects, where the data set is a prefix
    :param days: values of the partition ``dt``, where it is a table
    """

    rows: int | None = None
    size: int | None = None
    files: int | None = None
    locations: Sequence[str] = ()
    days: Sequence[str] = ()

    @property
    def is_counted(self) -> bool:
        """Whether there are statistics."""
        return any(count is not None for count in (self.rows, self.size, self.files))

    @property
    def condition(self) -> Any | None:
        """OpenLineage's condition; None for the whole data set, and for more parts than are listed."""
        if 0 < len(self.locations) <= MAXIMUM_PARTS:
            return base_subset_dataset.LocationSubsetCondition(locations=list(self.locations))
        if 0 < len(self.days) <= MAXIMUM_PARTS:
            partitions = [
                base_subset_dataset.Partition(dimensions={"dt": day}, identifier=f"dt={day}")
                for day in self.days
            ]
            return base_subset_dataset.PartitionSubsetCondition(partitions=partitions)
        return None


WHOLE = Part()


@dataclass(frozen=True)
class Place:
    """A data set.

    :param kind: ``FILE``, ``TABLE`` or ``MODEL``
    :param columns: type by name
    :param version: which content it has at this moment
    :param facets: further ones, by their key
    """

    name: Name
    kind: str = "FILE"
    sub_kind: str | None = None
    file_format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    description: str | None = None
    facets: Mapping[str, DatasetFacet] = field(default_factory=dict)

    def having(self, **facets: DatasetFacet | None) -> Place:
        """The same data set with further facets; those that are None are left out."""
        known = {key: facet for key, facet in facets.items() if facet is not None}
        return replace(self, facets={**self.facets, **known})

    def read(self, part: Part = WHOLE, **facets: InputDatasetFacet) -> InputDataset:
        """The data set as an input."""
        found = dict(facets)
        if part.is_counted:
            found["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=part.rows, size=part.size, fileCount=part.files
            )
        if part.condition is not None:
            found["subset"] = base_subset_dataset.InputSubsetInputDatasetFacet(inputCondition=part.condition)
        return InputDataset(*self.name, facets=self._described(), inputFacets=found)

    def written(self, part: Part = WHOLE, *, change: Change | None = None) -> OutputDataset:
        """The data set as an output.

        :param change: what became of it; None where it was found as it had to be
        """
        found: dict[str, OutputDatasetFacet] = {}
        if part.is_counted:
            found["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=part.rows, size=part.size, fileCount=part.files
            )
        if part.condition is not None:
            found["subset"] = base_subset_dataset.OutputSubsetOutputDatasetFacet(
                outputCondition=part.condition
            )
        described = self._described()
        if change is not None:
            described["lifecycleStateChange"] = (
                lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(lifecycleStateChange=change)
            )
        return OutputDataset(*self.name, facets=described, outputFacets=found)

    def _described(self) -> dict[str, DatasetFacet]:
        namespace = self.name.namespace
        found: dict[str, DatasetFacet] = {
            "dataSource": datasource_dataset.DatasourceDatasetFacet(name=namespace, uri=namespace),
            "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(
                datasetType=self.kind, subType=self.sub_kind
            ),
        }
        if self.file_format:
            found["storage"] = storage_dataset.StorageDatasetFacet(
                storageLayer="s3", fileFormat=self.file_format
            )
        if self.columns:
            found["schema"] = schema_dataset.SchemaDatasetFacet(
                fields=[
                    schema_dataset.SchemaDatasetFacetFields(name=name, type=kind)
                    for name, kind in self.columns.items()
                ]
            )
        if self.version:
            found["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=self.version)
        if self.description:
            found["documentation"] = documentation_dataset.DocumentationDatasetFacet(
                description=self.description
            )
        return {**found, **self.facets}
