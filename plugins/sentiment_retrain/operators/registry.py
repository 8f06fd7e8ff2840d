"""``register_model``: the winner in the model registry, with everything that speaks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain.jobs import as_tags
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

#: How far back an equal package is looked for.
LOOK_BACK = 20
METADATA_KEY = "model_fingerprint"


class RegisterModelOperator(RetrainOperator):
    """Registers the winner as a version of the model package group; the same model stays one version.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    :param bias: output of ``analyze.bias``
    :param explain_bias: output of ``explain.bias``
    :param explain_shap: output of ``explain.shap``
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict", "bias", "explain_bias", "explain_shap")

    def __init__(
        self, *, datasets: Any, verdict: Any, bias: Any, explain_bias: Any, explain_shap: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.verdict = verdict
        self.bias = bias
        self.explain_bias = explain_bias
        self.explain_shap = explain_shap

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Register and hand on ``model_package_arn, model_package_group``."""
        if self.verdict["action"] == "keep_champion":
            raise AirflowSkipException(self.verdict["reason"])
        group = self.settings.model_package_group
        self._ensure_group(group)
        status = "Approved" if self.verdict["action"] == "deploy" else "PendingManualApproval"
        found = next(self._equal_packages(group), None)
        if found is None:
            arn = self.aws.sagemaker("create_model_package", **self._request(group, status))[
                "ModelPackageArn"
            ]
            self.log.info("registered %s, %s", arn, status)
        else:
            arn = found["ModelPackageArn"]
            self.log.info("%s is this very model already, %s", arn, found["ModelApprovalStatus"])
            if status == "Approved" != found["ModelApprovalStatus"]:
                self.aws.sagemaker("update_model_package", ModelPackageArn=arn, ModelApprovalStatus=status)
        return {"model_package_arn": arn, "model_package_group": group, "approval_status": status}

    def _ensure_group(self, group: str) -> None:
        name = {"ModelPackageGroupName": group}
        if self.aws.find("describe_model_package_group", **name) is None:
            self.aws.create(
                "create_model_package_group",
                {
                    **name,
                    "ModelPackageGroupDescription": "Sentiment of product reviews",
                    "Tags": as_tags({"retrain:dag": self.run["dag_id"]}),
                },
            )

    def _equal_packages(self, group: str) -> Iterator[dict[str, Any]]:
        """Packages of the same model among the newest."""
        listed = self.aws.sagemaker(
            "list_model_packages",
            ModelPackageGroupName=group,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=LOOK_BACK,
        )
        for item in listed["ModelPackageSummaryList"]:
            package = self.aws.sagemaker("describe_model_package", ModelPackageName=item["ModelPackageArn"])
            if (
                package.get("CustomerMetadataProperties", {}).get(METADATA_KEY)
                == self.verdict["model_fingerprint"]
            ):
                yield package

    def _request(self, group: str, status: str) -> dict[str, Any]:
        instance_types = [self.settings.deployment.instance_type]
        return {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": f"{self.verdict['winner']}: {self.verdict['reason']}"[:1024],
            "ModelApprovalStatus": status,
            "InferenceSpecification": {
                "Containers": self.verdict["containers"],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
                "SupportedRealtimeInferenceInstanceTypes": instance_types,
                "SupportedTransformInstanceTypes": [self.settings.jobs.transform.instance_type],
            },
            "ModelMetrics": {
                "ModelQuality": {"Statistics": _json_source(self.verdict["verdict_uri"])},
                "Bias": {
                    "PreTrainingReport": _json_source(self.bias["analysis_uri"]),
                    "PostTrainingReport": _json_source(self.explain_bias["analysis_uri"]),
                },
                "Explainability": {"Report": _json_source(self.explain_shap["analysis_uri"])},
            },
            "CustomerMetadataProperties": {
                METADATA_KEY: self.verdict["model_fingerprint"],
                "contender": self.verdict["winner"],
                "model_name": self.verdict["model_name"],
                "run_key": self.run["run_key"],
                "data_until": self.datasets["data_until"],
                "dataset": self.datasets["fingerprint"],
            },
        }


def _json_source(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}
