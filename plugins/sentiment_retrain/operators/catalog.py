"""``ingest.register_tables``: what Athena knows of the bucket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws.glue_tables import (
    PARQUET,
    PARQUET_PARAMETERS,
    GlueTables,
    WantedTable,
    table_input,
)
from sentiment_retrain.data.columns import CURATED_TYPES, column_names
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

OPEN_CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
_TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "Compressed": False,
}


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
        tables = GlueTables(self.aws, settings.database)
        tables.make_database()
        for wanted in self._tables(root):
            tables.agree(wanted)
        partitions = self._add_partitions(root)
        self.log.info("%s.%s has the partitions %s", settings.database, settings.table, ", ".join(partitions))
        return {
            "database": settings.database,
            "table": settings.table,
            "raw_table": settings.raw_table,
            "partitions": partitions,
        }

    def _tables(self, root: str) -> Iterator[WantedTable]:
        """Curated rows; and source files as they came, every column a string, in the newest one's order."""
        settings = self.settings
        yield WantedTable(
            table_input(
                settings.table,
                f"{root}/curated/reviews/",
                CURATED_TYPES,
                "Accepted reviews, one Parquet object a source object",
                PARQUET,
                PARQUET_PARAMETERS,
            )
        )
        serde = {"SerializationLibrary": OPEN_CSV_SERDE, "Parameters": self._serde_parameters}
        yield WantedTable(
            table_input(
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
