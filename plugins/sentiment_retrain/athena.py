"""Queries of ``include/sql`` on Athena, and their small results as data frames."""

from __future__ import annotations

import logging
import re
from string import Template
from typing import TYPE_CHECKING, Any

from sentiment_retrain import errors
from sentiment_retrain.hooks import translated
from sentiment_retrain.settings import include_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from sentiment_retrain.hooks import Aws
    from sentiment_retrain.settings import Settings

log = logging.getLogger(__name__)

_SAFE_VALUE = re.compile(r"[A-Za-z0-9_.\-]+")


def render(name: str, values: Mapping[str, str | Iterable[str]]) -> str:
    """The text of ``include/sql/<name>.sql`` with ``$placeholders`` filled in.

    A sequence becomes a list of string literals. Only names, dates and digests are let through, so that a
    value can never become SQL.

    :raises ConfigError: when a value holds anything else
    """
    path = include_directory() / "sql" / f"{name}.sql"
    filled: dict[str, str] = {}
    for key, value in values.items():
        parts = [value] if isinstance(value, str) else list(value)
        for part in parts:
            if not _SAFE_VALUE.fullmatch(part):
                raise errors.ConfigError(f"{key} is {part!r}", "letters, digits, dots, hyphens, underscores")
        filled[key] = value if isinstance(value, str) else ", ".join(f"'{part}'" for part in parts)
    return Template(path.read_text(encoding="utf-8")).substitute(filled)


def rows_of_run(settings: Settings, run: Mapping[str, Any], land: Mapping[str, Any]) -> dict[str, Any]:
    """The placeholders that select the rows a run trains on."""
    return {
        "table": settings.table,
        "partitions": land["partitions"],
        "sources": land["source_sha256"],
        "until": run["partition"],
    }


def query(aws: Aws, settings: Settings, bucket: str, name: str, values: Mapping[str, Any]) -> pd.DataFrame:
    """The result of ``include/sql/<name>.sql``; what it scanned is logged.

    :raises DataQualityError: when Athena refuses or fails the query, with Athena's reason
    """
    import awswrangler as wr
    import awswrangler.exceptions

    sql = render(name, values)
    try:
        with translated(f"athena:StartQueryExecution {name}.sql"):
            frame = wr.athena.read_sql_query(
                sql,
                database=settings.database,
                # A temporary table for a few rows would cost more than it saves, and need Glue write access.
                ctas_approach=False,
                s3_output=f"s3://{bucket}/athena/",
                workgroup=settings.workgroup,
                athena_query_wait_polling_delay=0.25,
                boto3_session=aws.session,
            )
    except awswrangler.exceptions.QueryFailed as error:
        raise errors.DataQualityError(
            f"query {name}.sql failed: {error}",
            "a query that Athena can run on the registered table",
            f"Run include/sql/{name}.sql in the Athena console; the reason above names the line.",
        ) from error
    metadata = getattr(frame, "query_metadata", None) or {}
    scanned = metadata.get("Statistics", {}).get("DataScannedInBytes", 0)
    log.info("%s.sql: %d rows, %d bytes scanned", name, len(frame), scanned)
    return frame
