"""``analyze.shap`` and ``explain.shap``: which words decide?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.analysis import attributions
from sentiment_retrain.aws import models
from sentiment_retrain.data import datasets
from sentiment_retrain.operators.blazingtext import training_request
from sentiment_retrain.operators.clarify import ClarifyOperator
from sentiment_retrain.operators.input_records import noted
from sentiment_retrain.verdict import gates_drift

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from sentiment_retrain.operators.job_request import JobRequest
    from sentiment_retrain.verdict.gates import Gate

STEP, REFERENCE_STEP = "shap", "reference"
#: What makes the reference model quick: it shows which words matter, it need not be good.
REFERENCE_HYPERPARAMETERS = {"epochs": "5", "word_ngrams": "1"}


class ClarifyShapOperator(ClarifyOperator):
    """Which words decide: text SHAP of a model on the common sample.

    With a verdict the model is the winner. Without one it is the live champion, whose attributions on the new
    reviews are held against those of its own run; where nothing is live, a quick baseline is trained first.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    """

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The training of the reference model where one is needed, then the processing job."""
        if STEP in done:
            return None
        known = self.verdict or self.run["champion"]
        if known:
            name, fingerprint = known["model_name"], known["model_fingerprint"]
        elif REFERENCE_STEP in done:
            name, fingerprint = self._reference_model(done[REFERENCE_STEP])
        else:
            request = training_request(
                self.settings, self.run, self.datasets, REFERENCE_STEP, REFERENCE_HYPERPARAMETERS
            )
            return noted(self, request)
        return self.explanation_request(name, fingerprint)

    def explanation_request(self, name: str, fingerprint: str) -> JobRequest:
        """The processing job that explains one model."""
        inputs = {"model": fingerprint, "data": self.datasets["sha256"]["shap_sample"]}
        sample = self.datasets["files"]["shap_sample"]
        return self.analysis_request(STEP, inputs, self._config(name), sample)

    def _reference_model(self, job: Mapping[str, Any]) -> tuple[str, str]:
        adapter_uri = models.upload_adapter(self.aws, self.run["bucket"])
        return models.ensure_model(
            self.aws,
            self.settings,
            self.run,
            contender=REFERENCE_STEP,
            containers=models.blazingtext_pipeline(self.run["images"], adapter_uri, job["output_uri"]),
            data_until=self.datasets["data_until"],
        )

    def _config(self, model_name: str) -> dict[str, Any]:
        rules = self.settings.jobs.analysis
        return {
            "dataset_type": "text/csv",
            "headers": list(datasets.SHAP_COLUMNS),
            "predictor": {
                "model_name": model_name,
                # Accounts begin without quota for most types, and no job falls back to another one for its
                # endpoint: the live endpoint's type is there anyway, with room for an update's second fleet.
                "instance_type": self.settings.deployment.instance_type,
                "initial_instance_count": rules.instance_count,
                "content_type": "text/csv",
                "accept_type": "text/csv",
                # Columns of the serving contract: predicted_label, probability, probabilities, labels.
                "label": 0,
                "probability": 2,
                "label_headers": [str(label) for label in datasets.LABELS],
            },
            "methods": {
                "shap": {
                    "baseline": [[rules.shap_baseline]],
                    "num_samples": rules.shap_samples,
                    "agg_method": "mean_abs",
                    "use_logit": False,
                    "save_local_shap_values": True,
                    "seed": rules.seed,
                    "text_config": {
                        "granularity": rules.shap_granularity,
                        "language": rules.shap_language,
                    },
                },
                "report": {"name": "report", "title": "Analysis Report"},
            },
        }

    def parse(self, context: Context, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        """The analysis of docs/contracts.md section 2; the winner's ranking of words is kept."""
        # It needs numpy, which is none of the DAG processor's business.
        from sentiment_retrain.analysis import attribution_drift

        job = done[STEP]
        uri, analysis = self.analysis_of(job)
        lines = self._local_explanations(job)
        reviews = attribution_drift.by_review(lines)
        importance = attribution_drift.importance(reviews)
        shown = attributions.top_tokens(lines)
        explained = "the winner" if self.verdict else "the champion" if self.run["champion"] else "a baseline"
        self.log.info("words that decide for %s: %s", explained, ", ".join(list(importance)[:12]))
        result = {
            "job": job,
            "analysis_uri": uri,
            "report_uri": f"{job['output_uri']}/report.html",
            "expected_values": _expected_values(analysis),
            "top_tokens": shown,
            "reference_job": done.get(REFERENCE_STEP),
        }
        if self.verdict:
            # The next run compares its reading of this model with this one.
            self.aws.put_json(
                f"{self.run['run_uri']}/attributions.json",
                {"importance": importance, "reviews": reviews},
            )
            return self.settle([], result)
        return self.settle([self._drift_gate(reviews, uri)], result)

    def _drift_gate(self, current: list[dict[str, list[float]]], uri: str) -> Gate:
        """Do the same words decide on the new reviews as on those of the champion's run?"""
        from sentiment_retrain.analysis import attribution_drift

        gates = self.settings.gates
        limits = gates.attribution_drift
        baseline = attribution_drift.kept_reviews(self._baseline())
        found = attribution_drift.compare(baseline, current, limits.tokens) if baseline and current else {}
        return gates_drift.attribution_drift(
            found.get("ndcg"),
            limits,
            uri,
            p_value=found.get("p_value"),
            significance=gates.drift.significance,
        )

    def _local_explanations(self, job: Mapping[str, Any]) -> list[str]:
        prefix = f"{job['output_uri']}/explanations_shap/"
        return [
            line
            for entry in self.aws.list_objects(prefix)
            if entry.uri.endswith(".jsonl")
            for line in self.aws.get_bytes(entry.uri).decode().splitlines()
        ]

    def _baseline(self) -> Any | None:
        """What the champion's own run kept of its explanations; None where these are of another model."""
        champion = self.run["champion"]
        if not (champion and champion["run_key"]):
            return None
        origin = f"s3://{self.run['bucket']}/runs/{champion['run_key']}"
        # The run that trained it may have explained another one, the winner of that day.
        verdict = self.aws.find_json(f"{origin}/verdict.json") or champion
        if verdict["model_fingerprint"] != champion["model_fingerprint"]:
            return None
        return self.aws.find_json(f"{origin}/attributions.json")


def _expected_values(analysis: Mapping[str, Any]) -> dict[str, float]:
    """Mean prediction on the baseline, by class."""
    found = analysis.get("explanations", {}).get("kernel_shap", {})
    return {label: values["expected_value"] for label, values in found.items() if isinstance(values, dict)}
