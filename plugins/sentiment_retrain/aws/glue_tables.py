"""Tables of the Glue catalog that several runs make and change at the same time."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain import errors
from sentiment_retrain.aws import failures
from sentiment_retrain.aws.error_translation import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws

log = logging.getLogger(__name__)

#: Columns that every partitioned table here has.
PARTITION_TYPES = {"dt": "string"}
#: Table parameter: the newest day whose files the columns describe.
DATA_UNTIL_KEY = "retrain.data-until"
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "Compressed": True,
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
#: Without the compression the serialiser's missing entry makes Athena expect uncompressed pages.
PARQUET_PARAMETERS = {"classification": "parquet", "compressionType": "snappy"}
#: How often a table that others change at the same time is looked at again.
_ATTEMPTS = 5


class WantedTable(NamedTuple):
    """What a table should say: a Glue TableInput."""

    table_input: dict[str, Any]
    #: Older files do not take back what newer ones said; empty: every run says the same.
    data_until: str = ""


class GlueTables:
    """The tables of one database."""

    def __init__(self, aws: Aws, database: str) -> None:
        self.aws = aws
        self.database = database

    def make_database(self) -> None:
        """Make the database unless it exists; somebody else may be making it."""
        import awswrangler as wr

        glue = self.aws.client("glue")
        try:
            wr.catalog.create_database(self.database, exist_ok=True, boto3_session=self.aws.session)
        except glue.exceptions.AlreadyExistsException:
            log.info("another run made the database %s", self.database)

    def agree(self, wanted: WantedTable) -> None:
        """Make a table be as wanted, whoever else does the same at this moment.

        awswrangler's own overwriting drops the table's partitions, those of other runs too. So a table
        is created where there is none, and else altered in place, only as the version that was looked at.

        :raises ServiceUnavailable: others kept changing the table
        """
        name = wanted.table_input["Name"]
        for attempt in range(_ATTEMPTS):
            found = self._find(name)
            if found is None:
                if self._change("create_table", wanted):
                    return
                continue
            newest = found.get("Parameters", {}).get(DATA_UNTIL_KEY, "")
            if newest >= wanted.data_until and _columns(found) == _columns(wanted.table_input):
                return
            if newest > wanted.data_until:
                log.info("%s stays as it is: it describes files of %s", name, newest)
                return
            version = {"VersionId": found["VersionId"]} if found.get("VersionId") else {}
            if self._change("update_table", wanted, **version):
                return
            time.sleep(failures.backoff_seconds(attempt, base=0.2, cap=2))
        raise errors.ServiceUnavailable(
            f"table {name} was changed by others {_ATTEMPTS} times in a row", "a table that stays still"
        )

    def _find(self, table: str) -> dict[str, Any] | None:
        glue = self.aws.client("glue")
        with translated(f"glue:GetTable {table}"):
            try:
                return dict(glue.get_table(DatabaseName=self.database, Name=table)["Table"])
            except glue.exceptions.EntityNotFoundException:
                return None

    def _change(self, operation: str, wanted: WantedTable, **version: str) -> bool:
        """Create or update a table; False when somebody else did so since it was looked at."""
        table_input = wanted.table_input
        if wanted.data_until:
            parameters = table_input["Parameters"] | {DATA_UNTIL_KEY: wanted.data_until}
            table_input = table_input | {"Parameters": parameters}
        glue = self.aws.client("glue")
        with translated(f"glue:{operation} {table_input['Name']}"):
            try:
                getattr(glue, operation)(DatabaseName=self.database, TableInput=table_input, **version)
            except (
                glue.exceptions.AlreadyExistsException,
                glue.exceptions.ConcurrentModificationException,
            ):
                return False
        return True


def table_input(
    name: str,
    location: str,
    types: Mapping[str, str],
    description: str,
    storage: Mapping[str, Any],
    parameters: Mapping[str, str],
) -> dict[str, Any]:
    """Glue's TableInput of an external table with our partitions."""
    described = {**parameters, "typeOfData": "file"}
    return {
        "Name": name,
        "Description": description,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in PARTITION_TYPES.items()],
        "Parameters": described,
        "StorageDescriptor": {
            **storage,
            "Columns": [{"Name": key, "Type": kind} for key, kind in types.items()],
            "Location": location,
            "NumberOfBuckets": -1,
            "StoredAsSubDirectories": False,
            "Parameters": described,
        },
    }


def _columns(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and types of a table's columns with those of its partitions; OpenCSVSerde goes by their order."""
    listed = [*table["StorageDescriptor"]["Columns"], *table.get("PartitionKeys", [])]
    return [(column["Name"], column["Type"]) for column in listed]
