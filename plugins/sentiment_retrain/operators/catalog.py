"""``ingest.register_tables``: what Athena knows of the bucket."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain import errors, failures
from sentiment_retrain.hooks import translated
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.sdk import Context

CURATED_TYPES = {
    "review_id": "string",
    "review_body": "string",
    "product_category": "string",
    "sentiment": "int",
    "star_rating": "double",
    "source_sha256": "string",
}
PARTITION_TYPES = {"dt": "string"}
OPEN_CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
#: Table parameter: the newest day whose files the columns describe.
DATA_UNTIL_KEY = "retrain.data-until"
#: How often a table that others change at the same time is looked at again.
_ATTEMPTS = 5
_PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "Compressed": True,
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
_TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "Compressed": False,
}


class _Wanted(NamedTuple):
    """What a table should say: a Glue TableInput."""

    table_input: dict[str, Any]
    #: Older files do not take back what newer ones said; empty: every run says the same.
    data_until: str = ""


class RegisterGlueTablesOperator(RetrainOperator):
    """Makes database, tables and partitions say what lies in the bucket; what is right already stays.

    :param run: output of ``plan``
    :param land: output of ``ingest.land_reviews``
    """

    template_fields: Sequence[str] = ("run", "land")

    def __init__(self, *, land: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.land = land

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Register and hand on ``database, table, raw_table, partitions``."""
        settings = self.settings
        root = f"s3://{self.run['bucket']}"
        self._database()
        for wanted in self._tables(root):
            self._agree(wanted)
        partitions = self._add_partitions(root)
        self.log.info("%s.%s has the partitions %s", settings.database, settings.table, ", ".join(partitions))
        return {
            "database": settings.database,
            "table": settings.table,
            "raw_table": settings.raw_table,
            "partitions": partitions,
        }

    def _agree(self, wanted: _Wanted) -> None:
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
                self.log.info("%s stays as it is: it describes files of %s", name, newest)
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
                return dict(glue.get_table(DatabaseName=self.settings.database, Name=table)["Table"])
            except glue.exceptions.EntityNotFoundException:
                return None

    def _change(self, operation: str, wanted: _Wanted, **version: str) -> bool:
        """Create or update a table; False when somebody else did so since it was looked at."""
        table_input = wanted.table_input
        if wanted.data_until:
            parameters = table_input["Parameters"] | {DATA_UNTIL_KEY: wanted.data_until}
            table_input = table_input | {"Parameters": parameters}
        glue = self.aws.client("glue")
        with translated(f"glue:{operation} {table_input['Name']}"):
            try:
                getattr(glue, operation)(
                    DatabaseName=self.settings.database, TableInput=table_input, **version
                )
            except (
                glue.exceptions.AlreadyExistsException,
                glue.exceptions.ConcurrentModificationException,
            ):
                return False
        return True

    def _database(self) -> None:
        """Make the database; somebody else may be making it."""
        import awswrangler as wr

        glue = self.aws.client("glue")
        try:
            wr.catalog.create_database(self.settings.database, exist_ok=True, boto3_session=self.aws.session)
        except glue.exceptions.AlreadyExistsException:
            self.log.info("another run made the database %s", self.settings.database)

    def _tables(self, root: str) -> Iterator[_Wanted]:
        """Curated rows; and source files as they came, every column a string, in the newest one's order."""
        settings = self.settings
        yield _Wanted(
            _table_input(
                settings.table,
                f"{root}/curated/reviews/",
                CURATED_TYPES,
                "Accepted reviews, one Parquet object a source object",
                _PARQUET,
                # Without this the serialiser's missing entry makes Athena expect uncompressed pages.
                {"classification": "parquet", "compressionType": "snappy"},
            )
        )
        serde = {"SerializationLibrary": OPEN_CSV_SERDE, "Parameters": self._serde_parameters}
        yield _Wanted(
            _table_input(
                settings.raw_table,
                f"{root}/raw/reviews/",
                dict.fromkeys(column_names(self.land["header"]), "string"),
                "Source files byte for byte",
                _TEXT | {"SerdeInfo": serde},
                {
                    "classification": "csv",
                    "compressionType": "none",
                    "delimiter": self.land["delimiter"],
                    "skip.header.line.count": "1",
                },
            ),
            self.land["data_until"],
        )

    @property
    def _serde_parameters(self) -> dict[str, str]:
        return {"separatorChar": self.land["delimiter"], "quoteChar": '"', "escapeChar": '"'}

    def _add_partitions(self, root: str) -> list[str]:
        """Register every landed partition; those already registered stay as they are."""
        import awswrangler as wr

        settings, session = self.settings, self.aws.session
        curated = f"{root}/curated/reviews/"
        days = sorted(
            {
                match[1]
                for item in self.aws.list_objects(curated)
                if (match := re.search(r"/dt=([^/]+)/", item.uri))
            }
        )
        wr.catalog.add_parquet_partitions(
            settings.database,
            settings.table,
            {f"{curated}dt={day}/": [day] for day in days},
            compression="snappy",
            columns_types=CURATED_TYPES,
            boto3_session=session,
        )
        wr.catalog.add_csv_partitions(
            settings.database,
            settings.raw_table,
            {f"{root}/raw/reviews/dt={day}/": [day] for day in days},
            sep=self.land["delimiter"],
            serde_library=OPEN_CSV_SERDE,
            serde_parameters=self._serde_parameters,
            boto3_session=session,
        )
        return days


def column_names(header: Sequence[str]) -> list[str]:
    """Header names as Athena takes them: lower case, letters, digits and underscores, each once."""
    names: list[str] = []
    for position, name in enumerate(header):
        cleaned = re.sub(r"\W+", "_", name.strip().lower(), flags=re.ASCII).strip("_") or f"column_{position}"
        names.append(cleaned if cleaned not in {*names, *PARTITION_TYPES} else f"{cleaned}_{position}")
    return names


def _table_input(
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
