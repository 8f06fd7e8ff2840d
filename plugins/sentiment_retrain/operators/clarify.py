"""``analyze.*`` and ``explain.*``: bias and SHAP, as SageMaker Clarify processing jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import attributions, bias, datasets, evaluation_rows, gates, jobs, models, naming
from sentiment_retrain.operators.blazingtext import training_request
from sentiment_retrain.operators.sagemaker_job import JobRequest, SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

PRE_TRAINING_METRICS = ["CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL"]
#: All but the flip test, which needs numeric features, and generalized entropy, which compares no groups.
POST_TRAINING_METRICS = ["DPPL", "DI", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE", "CDDPL"]
BIAS_STEP, SHAP_STEP, REFERENCE_STEP = "bias", "shap", "reference"
#: What makes the reference model quick: it shows which words matter, it need not be good.
REFERENCE_HYPERPARAMETERS = {"epochs": "5", "word_ngrams": "1"}


class ClarifyOperator(SageMakerJobOperator):
    """What the two analyses share: the processing job's request."""

    def analysis_request(
        self, step: str, inputs: Mapping[str, Any], config: Mapping[str, Any], dataset: str | bytes
    ) -> JobRequest:
        """A Clarify job.

        :param inputs: identity of what is analysed, besides the configuration
        :param config: ``analysis_config.json``
        :param dataset: S3 URI of the rows, or their content, which is then put beside the configuration
        """
        rules = self.settings.jobs.analysis
        image = rules.image_uri or self.run["images"]["clarify"]

        def folder(name: str) -> str:
            return f"s3://{self.run['bucket']}/jobs/{name}"

        def prepare(name: str) -> None:
            self.aws.put_json(f"{folder(name)}/input/analysis_config.json", config)
            if isinstance(dataset, bytes):
                self.aws.put_bytes(f"{folder(name)}/input/dataset.csv", dataset, "text/csv")

        def body(name: str) -> dict[str, Any]:
            rows = f"{folder(name)}/input/dataset.csv" if isinstance(dataset, bytes) else dataset
            return {
                "ProcessingResources": {
                    "ClusterConfig": {
                        "InstanceType": rules.instance_type,
                        "InstanceCount": rules.instance_count,
                        "VolumeSizeInGB": rules.volume_gb,
                    }
                },
                "AppSpecification": {"ImageUri": image},
                "RoleArn": self.run["role_arn"],
                "ProcessingInputs": [
                    _s3_input("dataset", rows, "data"),
                    _s3_input("analysis_config", f"{folder(name)}/input/analysis_config.json", "config"),
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "analysis_result",
                            "S3Output": {
                                "S3Uri": f"{folder(name)}/output",
                                "LocalPath": "/opt/ml/processing/output",
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ]
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": rules.max_runtime_seconds},
            }

        return JobRequest(
            kind=jobs.PROCESSING,
            step=step,
            inputs={**inputs, "config": config, "image": image},
            body=body,
            prepare=prepare,
            data_until=self.run_datasets["data_until"],
            instance_type=rules.instance_type,
            instance_count=rules.instance_count,
            timeout_seconds=rules.max_runtime_seconds,
        )

    @property
    def run_datasets(self) -> Mapping[str, Any]:
        """Output of ``prepare.datasets``."""
        raise NotImplementedError

    def analysis_of(self, job: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """URI and content of the job's ``analysis.json``."""
        uri = f"{job['output_uri']}/analysis.json"
        return uri, dict(self.aws.get_json(uri))


def _s3_input(name: str, uri: str, folder: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{folder}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


class ClarifyBiasOperator(ClarifyOperator):
    """Bias by facet: of the labels that will train, or (with a verdict) of the winner's predictions.

    Post-training bias reads the predictions that the evaluation made, so it pays for no endpoint.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict")

    def __init__(self, *, datasets: Any, verdict: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.verdict = verdict

    @property
    def run_datasets(self) -> Mapping[str, Any]:
        """Output of ``prepare.datasets``."""
        return dict(self.datasets)

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
        return self.analysis_request(BIAS_STEP, {"data": identity}, self._config(), rows)

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
        uri, analysis = self.analysis_of(done[BIAS_STEP])
        side = "train" if self.phase == "pre_training" else "test"
        limits = getattr(self.settings.gates, "bias" if side == "train" else "post_training_bias")
        sizes = self.datasets["category_counts"][side]
        result = {
            "job": done[BIAS_STEP],
            "analysis_uri": uri,
            "report_uri": f"{done[BIAS_STEP]['output_uri']}/report.html",
            "facets": bias.facet_table(analysis, self.phase),
        }
        return self.settle(bias.bias_gates(analysis, self.phase, sizes, limits, uri), result)


class ClarifyShapOperator(ClarifyOperator):
    """Which words decide: text SHAP of a model on the common sample.

    With a verdict the model is the winner. Without one it is the live champion, whose attributions on the new
    reviews are held against those of its own run; where nothing is live, a quick baseline is trained first.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict")

    def __init__(self, *, datasets: Any, verdict: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.verdict = verdict

    @property
    def run_datasets(self) -> Mapping[str, Any]:
        """Output of ``prepare.datasets``."""
        return dict(self.datasets)

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The training of the reference model where one is needed, then the processing job."""
        if SHAP_STEP in done:
            return None
        known = self.verdict or self.run["champion"]
        if known:
            name, fingerprint = known["model_name"], known["model_fingerprint"]
        elif REFERENCE_STEP in done:
            name, fingerprint = self._reference_model(done[REFERENCE_STEP])
        else:
            return training_request(
                self.settings, self.run, self.datasets, REFERENCE_STEP, REFERENCE_HYPERPARAMETERS
            )
        inputs = {"model": fingerprint, "data": self.datasets["sha256"]["shap_sample"]}
        request = self.analysis_request(
            SHAP_STEP, inputs, self._config(name), self.datasets["files"]["shap_sample"]
        )
        return request

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
                "instance_type": rules.instance_type,
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
        """The analysis of docs/contracts.md section 2; the ranking of words is kept for the next run's comparison."""
        job = done[SHAP_STEP]
        uri, analysis = self.analysis_of(job)
        lines = self._local_explanations(job)
        importance = attributions.importance(lines)
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
            self.aws.put_json(f"{self.run['run_uri']}/attributions.json", importance)
            return self.settle([], result)
        limits = self.settings.gates.attribution_drift
        baseline = self._baseline()
        ndcg = attributions.ndcg(baseline, importance, limits.tokens) if baseline else None
        return self.settle([gates.attribution_drift(ndcg, limits, uri)], result)

    def _local_explanations(self, job: Mapping[str, Any]) -> list[str]:
        prefix = f"{job['output_uri']}/explanations_shap/"
        return [
            line
            for entry in self.aws.list_objects(prefix)
            if entry.uri.endswith(".jsonl")
            for line in self.aws.get_bytes(entry.uri).decode().splitlines()
        ]

    def _baseline(self) -> dict[str, float] | None:
        """Ranking of words from the champion's own run."""
        champion = self.run["champion"]
        if not (champion and champion["run_key"]):
            return None
        uri = f"s3://{self.run['bucket']}/runs/{champion['run_key']}/attributions.json"
        return self.aws.find_json(uri)


def _expected_values(analysis: Mapping[str, Any]) -> dict[str, float]:
    """Mean prediction on the baseline, by class."""
    found = analysis.get("explanations", {}).get("kernel_shap", {})
    return {label: values["expected_value"] for label, values in found.items() if isinstance(values, dict)}
