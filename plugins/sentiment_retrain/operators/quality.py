"""``check.reviews``: Great Expectations on what Athena says of the reviews."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws import athena
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.settings import include_directory
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from airflow.sdk import Context

#: Each is a query in include/sql and the suite of the same name in include/suites.
CHECKS = ("quality_columns", "quality_profile", "quality_categories")
_REMEDY = (
    "Look at the rows with the query of the same name in include/sql; correct the source, or the suite in "
    "include/suites when the data is right and the expectation is not."
)


class AthenaQualityOperator(RetrainOperator):
    """Runs the quality queries and holds their results against the suites; every expectation becomes a gate.

    :param run: output of ``plan``
    :param land: output of ``ingest.land_reviews``
    :param tables: output of ``ingest.register_tables``
    """

    template_fields: Sequence[str] = ("run", "land", "tables")

    def __init__(self, *, land: Any, tables: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.land = land
        self.tables = tables

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Check and hand on ``gates, report_uri, profile``."""
        values = athena.rows_of_run(self.aws, self.settings, self.run, self.land)
        bucket = self.run["bucket"]
        frames = {name: athena.query(self.aws, self.settings, bucket, name, values) for name in CHECKS}
        self.remember(queries=[frame.attrs for frame in frames.values()])
        results = validate(frames)
        self.remember(expectations=results, severity=self.settings.gates.quality)
        report_uri = f"{self.run['run_uri']}/quality.json"
        profile = json.loads(frames["quality_profile"].to_json(orient="records"))[0]
        categories = json.loads(frames["quality_categories"].to_json(orient="records"))
        self.aws.put_json(report_uri, {"profile": profile, "categories": categories, "expectations": results})
        found = [self._gate(result, report_uri) for result in results]
        return self.settle(found, {"report_uri": report_uri, "profile": profile, "categories": categories})

    def _gate(self, result: Mapping[str, Any], report_uri: str) -> gates.Gate:
        return gates.gate(
            "quality",
            "pass" if result["success"] else self.settings.gates.quality,
            observed=f"{result['subject']}: {result['observed']}",
            threshold=f"{result['subject']}: {result['expected']} ({result['why']})",
            evidence_uri=report_uri,
            remedy=_REMEDY,
        )


def validate(frames: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Each expectation of each frame's suite, as :func:`describe` puts it."""
    # It announces every function that it decorates, when imported.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.enable_analytics(False)
    source = context.data_sources.add_pandas("athena")
    results: list[dict[str, Any]] = []
    for name, frame in frames.items():
        document = json.loads((include_directory() / "suites" / f"{name}.json").read_text(encoding="utf-8"))
        suite = gx.ExpectationSuite(name=name, expectations=document["expectations"])
        asset = source.add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        results += [describe(name, frame, result) for result in batch.validate(suite).results]
    return results


def describe(suite: str, frame: pd.DataFrame, result: Any) -> dict[str, Any]:
    """One validation result in words, without the parts of it that JSON cannot hold."""
    expectation = result.expectation_config
    column = expectation.kwargs.get("column")
    return {
        "expectation": expectation.type,
        "suite": suite,
        "subject": column or "table",
        "success": bool(result.success),
        "observed": _observed(frame, column, result),
        "expected": _expected(expectation.type, expectation.kwargs),
        "why": (expectation.meta or {}).get("why", ""),
    }


def _observed(frame: pd.DataFrame, column: str | None, result: Any) -> str:
    """What the expectation saw: the exception, the value of a single row, or the offending values."""
    failures = [info for info in _exceptions(result.exception_info) if info.get("raised_exception")]
    if failures:
        return f"could not be checked: {failures[0].get('exception_message')}"
    seen = result.result or {}
    value = seen.get("observed_value")
    if isinstance(value, list | tuple | set):
        return ", ".join(map(str, value))
    if value is not None:
        return _number(value)
    if len(frame) == 1 and column in frame:
        return _number(frame[column].iloc[0])
    unexpected = [_number(value) for value in seen.get("partial_unexpected_list") or []][:5]
    if unexpected and "element_count" in seen:
        return (
            f"{seen['unexpected_count']} of {seen['element_count']} values, such as {', '.join(unexpected)}"
        )
    return f"all {len(frame)} values as expected" if result.success else "not as expected"


def _exceptions(info: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Exception records of a result: one, or one a metric."""
    if not info:
        return []
    return (
        [info]
        if "raised_exception" in info
        else [value for value in info.values() if isinstance(value, dict)]
    )


def _expected(kind: str, limits: Mapping[str, Any]) -> str:
    least, most = limits.get("min_value"), limits.get("max_value")
    share = limits.get("mostly")
    mostly = f" in at least {gates.percent(share)} of the rows" if share not in (None, 1) else ""
    if least is not None and least == most:
        return f"exactly {_number(least)}{mostly}"
    bounds = [
        f"{word} {_number(value)}"
        for word, value in (("at least", least), ("at most", most))
        if value is not None
    ]
    if bounds:
        return " and ".join(bounds) + mostly
    if "column_set" in limits:
        return f"the columns {', '.join(limits['column_set'])}"
    return kind.removeprefix("expect_").replace("_", " ") + mostly


def _number(value: Any) -> str:
    """A value as a person reads it; numbers without a needless ``.0``."""
    try:
        return f"{float(value):g}"
    except (TypeError, ValueError):
        return str(value)
