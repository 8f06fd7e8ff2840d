"""``check.drift``: do the new reviews look like those that the champion was trained on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws import athena
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.verdict import gates_drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class DriftOperator(RetrainOperator):
    """Profiles the run's reviews and compares them with the profile that the champion's run left.

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
        """Compare and hand on ``gates, report_uri, profile`` (without its words) and ``measures``."""
        from sentiment_retrain.analysis import drift
        from sentiment_retrain.data import exploration

        values = athena.rows_of_run(self.aws, self.settings, self.run, self.land)
        rows = athena.query(self.aws, self.settings, self.run["bucket"], "drift_reviews", values).dropna()
        self.remember(queries=[rows.attrs])
        # The same answer of Athena serves the page about the reviews.
        self.aws.put_json(f"{self.run['run_uri']}/reviews.json", exploration.explore(rows))
        profile = drift.profile(rows)
        baseline = self._baseline()
        measures = drift.compare(baseline, profile) if baseline else None
        report_uri = f"{self.run['run_uri']}/drift.json"
        self.aws.put_json(report_uri, {"profile": profile, "measures": measures})
        shown = {key: value for key, value in profile.items() if key not in ("vocabulary", "documents")}
        result = {"report_uri": report_uri, "profile": shown, "measures": measures}
        return self.settle([gates_drift.drift(measures, self.settings.gates.drift, report_uri)], result)

    def _baseline(self) -> dict[str, Any] | None:
        """Profile of the reviews that the champion was trained on, None when there is none."""
        champion = self.run["champion"]
        if not champion or not champion["run_key"]:
            self.log.info("nothing is live that these reviews could be compared with")
            return None
        uri = f"s3://{self.run['bucket']}/runs/{champion['run_key']}/drift.json"
        document = self.aws.find_json(uri)
        if document is None:
            self.log.warning("the champion's profile %s does not exist any more", uri)
            return None
        return dict(document["profile"])
