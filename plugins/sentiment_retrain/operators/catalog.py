"""``ingest.register_tables``: what Athena knows of the bucket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        import awswrangler as wr

        settings, session = self.settings, self.aws.session
        root = f"s3://{self.run['bucket']}"
        wr.catalog.create_database(settings.database, exist_ok=True, boto3_session=session)
        self._curated_table(f"{root}/curated/reviews/")
        self._raw_table(f"{root}/raw/reviews/")
        partitions = self._add_partitions(root)
        self.log.info("%s.%s has the partitions %s", settings.database, settings.table, ", ".join(partitions))
        return {
            "database": settings.database,
            "table": settings.table,
            "raw_table": settings.raw_table,
            "partitions": partitions,
        }

    def _types(self, table: str) -> dict[str, str] | None:
        """Columns of a table in Glue, None when it does not exist."""
        import awswrangler as wr

        found = wr.catalog.get_table_types(self.settings.database, table, boto3_session=self.aws.session)
        return dict(found) if found is not None else None

    def _curated_table(self, path: str) -> None:
        import awswrangler as wr

        settings = self.settings
        if self._types(settings.table) == {**CURATED_TYPES, **PARTITION_TYPES}:
            return
        wr.catalog.create_parquet_table(
            settings.database,
            settings.table,
            path,
            CURATED_TYPES,
            partitions_types=PARTITION_TYPES,
            # Without this the serialiser's missing entry makes Athena expect uncompressed pages.
            compression="snappy",
            description="Accepted reviews, one Parquet object a source object",
            boto3_session=self.aws.session,
        )

    def _raw_table(self, path: str) -> None:
        """The source files as they came: every column a string, in the newest file's order."""
        import awswrangler as wr

        settings = self.settings
        columns = dict.fromkeys(column_names(self.land["header"]), "string")
        if self._types(settings.raw_table) == {**columns, **PARTITION_TYPES}:
            return
        wr.catalog.create_csv_table(
            settings.database,
            settings.raw_table,
            path,
            columns,
            partitions_types=PARTITION_TYPES,
            description="Source files byte for byte",
            skip_header_line_count=1,
            serde_library=OPEN_CSV_SERDE,
            serde_parameters={"separatorChar": self.land["delimiter"], "quoteChar": '"', "escapeChar": '"'},
            boto3_session=self.aws.session,
        )

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
            serde_parameters={"separatorChar": self.land["delimiter"], "quoteChar": '"', "escapeChar": '"'},
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
