"""``analyze.bias`` and ``explain.bias``: are labels and predictions fair to every product category?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain.analysis import bias, bias_sample
from sentiment_retrain.data import datasets
from sentiment_retrain.operators.clarify import ClarifyOperator
from sentiment_retrain.verdict import evaluation_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from sentiment_retrain.operators.job_request import JobRequest

STEP = "bias"
PRE_TRAINING_METRICS = ["CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL"]
#: All but the flip test, which needs numeric features, and generalized entropy, which compares no groups.
POST_TRAINING_METRICS = ["DPPL", "DI", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE", "CDDPL"]


class ClarifyBiasOperator(ClarifyOperator):
    """Bias by facet: of the labels that will train, or (with a verdict) of the winner's predictions.

    Post-training bias reads the predictions that the evaluation made, so it pays for no endpoint.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    """

    @property
    def phase(self) -> bias.Phase:
        """Which bias is measured."""
        return "post_training" if self.verdict else "pre_training"

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The processing job."""
        if done:
            return None
        if self.phase == "pre_training":
            rows: str | bytes = self.datasets["files"]["bias"]
            identity = self.datasets["sha256"]["bias"]
        else:
            rows = self._predicted_rows()
            identity = naming.content_sha256(rows)
        return self.analysis_request(STEP, {"data": identity}, self._config(), rows)

    def _config(self) -> dict[str, Any]:
        rules = self.settings.jobs.analysis
        if self.phase == "pre_training":
            columns = {"headers": list(datasets.BIAS_COLUMNS), "label": "sentiment"}
            method = {"pre_training_bias": {"methods": PRE_TRAINING_METRICS}}
        else:
            columns = {
                "headers": list(datasets.POST_TRAINING_BIAS_COLUMNS),
                "label": "sentiment",
                "predicted_label": "predicted_sentiment",
            }
            method = {"post_training_bias": {"methods": POST_TRAINING_METRICS}}
        return {
            "dataset_type": "text/csv",
            **columns,
            "label_values_or_threshold": [rules.positive_label],
            "facet": [{"name_or_index": rules.facet}],
            **({"group_variable": rules.group} if rules.group else {}),
            "methods": {**method, "report": {"name": "report", "title": "Analysis Report"}},
        }

    def _predicted_rows(self) -> bytes:
        """The test rows with the winner's predictions."""
        predictions = self.aws.get_bytes(self.verdict["predictions_uri"])
        labels = self.aws.get_bytes(self.datasets["files"]["test_labels"])
        return evaluation_rows.post_training_bias_rows(labels, predictions)

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """The analysis of docs/contracts.md section 2; a failed gate raises."""
        uri, analysis = self.analysis_of(done[STEP])
        side = "train" if self.phase == "pre_training" else "test"
        limits = getattr(self.settings.gates, "bias" if side == "train" else "post_training_bias")
        sizes = self.datasets["category_counts"][side]
        facets = bias.facet_table(analysis, self.phase)
        result = {
            "job": done[STEP],
            "analysis_uri": uri,
            "report_uri": f"{done[STEP]['output_uri']}/report.html",
            "facets": facets,
        }
        if self.phase == "pre_training":
            result["sampled"] = self._sampled(facets)
        return self.settle(bias.bias_gates(analysis, self.phase, sizes, limits, uri), result)

    def _sampled(self, facets: Mapping[str, Mapping[str, float | None]]) -> dict[str, Any]:
        """What a sample of the same rows would have said, with its intervals."""
        rules = self.settings.jobs.analysis
        found = bias_sample.beside_full(
            self.aws.get_bytes(self.datasets["files"]["bias"]),
            facets,
            facet=rules.facet,
            label="sentiment",
            positive=rules.positive_label,
            size=rules.sample_rows,
            confidence=self.settings.selection.confidence,
            seed=rules.seed,
        )
        self.log.info(
            "A sample of %d of %d rows puts the %s of %d of %d facet values into its intervals",
            found["sample_rows"],
            found["rows"],
            found["metric"],
            found["inside"],
            len(found["facets"]),
        )
        return found
