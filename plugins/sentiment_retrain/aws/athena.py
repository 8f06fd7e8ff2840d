"""Queries of ``include/sql`` on Athena, and their small results as data frames."""

from __future__ import annotations

import io
import logging
import re
import time
from string import Template
from typing import TYPE_CHECKING, Any

from sentiment_retrain import errors, naming
from sentiment_retrain.aws.error_translation import translated
from sentiment_retrain.settings import include_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
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


def rows_of_run(
    aws: Aws, settings: Settings, run: Mapping[str, Any], land: Mapping[str, Any]
) -> dict[str, Any]:
    """The placeholders that select the rows a run trains on.

    Each source object counts on the day on which the plan found it: runs of different days may have landed
    it on each of them.
    """
    frozen = aws.get_json(run["plan_uri"])["sources"]
    places = {
        f"{source['partition']}.{source['sha256'][: naming.PATH_FINGERPRINT_LENGTH]}" for source in frozen
    }
    return {
        "table": settings.table,
        "partitions": land["partitions"],
        "sources": sorted(places),
        "until": run["partition"],
    }


def query(aws: Aws, settings: Settings, bucket: str, name: str, values: Mapping[str, Any]) -> pd.DataFrame:
    """The result of ``include/sql/<name>.sql``; what it scanned is logged.

    The frame's ``attrs`` are ``name, id, sql, bytes_scanned`` of the query.

    :raises DataQualityError: when Athena fails the query, with Athena's reason
    :raises JobTimedOut: when it takes longer than ``query_timeout_seconds``; the query is stopped
    """
    import awswrangler as wr

    with translated(f"athena:StartQueryExecution {name}.sql"):
        sql = render(name, values)
        query_id = wr.athena.start_query_execution(
            sql,
            database=settings.database,
            s3_output=f"s3://{bucket}/athena/",
            workgroup=settings.workgroup,
            boto3_session=aws.session,
        )
        execution = _finished(aws, query_id, name, settings.query_timeout_seconds)
        state = execution["Status"]["State"]
        if state != "SUCCEEDED":
            raise errors.DataQualityError(
                f"query {name}.sql ({query_id}) is {state}: {execution['Status'].get('StateChangeReason')}",
                "a query that Athena can run on the registered table",
                f"Run include/sql/{name}.sql in the Athena console; the reason above names the line.",
            )
        # The result file is read as it is: a CTAS table for a few rows would cost more than it saves.
        frame = wr.athena.get_query_results(query_id, boto3_session=aws.session)
        _restore_words(frame, execution["ResultConfiguration"]["OutputLocation"], aws)
    statistics = execution.get("Statistics", {})
    scanned = statistics.get("DataScannedInBytes", 0)
    log.info("%s.sql (%s): %d rows, %d bytes scanned", name, query_id, len(frame), scanned)
    frame.attrs.update(name=name, id=query_id, sql=sql, bytes_scanned=scanned)
    return frame


def _restore_words(frame: pd.DataFrame, result_uri: str, aws: Aws) -> None:
    """Put back, in place, the texts "NaN" of a result.

    awswrangler takes "NaN" for a missing value in every column, as Athena writes it for a number; in a column
    of text it is a word that a review or a category may well be.
    """
    import pandas as pd

    words = frame.select_dtypes(include=["string"])
    gaps = [str(name) for name, is_missing in words.isna().any().items() if is_missing]
    if gaps:
        texts = pd.read_csv(
            io.BytesIO(aws.get_bytes(result_uri)),
            usecols=gaps,
            dtype=dict.fromkeys(gaps, "string"),
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
        )
        frame[gaps] = texts[gaps]


def _finished(aws: Aws, query_id: str, name: str, timeout_seconds: float) -> dict[str, Any]:
    """The execution of a query that has ended."""
    client = aws.client("athena")
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        execution = dict(client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"])
        if execution["Status"]["State"] in _ENDED:
            return execution
        time.sleep(POLL_SECONDS)
    client.stop_query_execution(QueryExecutionId=query_id)
    raise errors.JobTimedOut(
        f"query {name}.sql ({query_id}) did not end within {timeout_seconds} s",
        "a result in time",
        "Raise `query_timeout_seconds` in include/config/retrain.yaml, or look at the workgroup's queue.",
    )
