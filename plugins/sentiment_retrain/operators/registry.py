"""``register_model``: the winner in the model registry, with everything that speaks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain.aws import package_request, packages
from sentiment_retrain.aws.jobs import as_tags
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.runs.code_version import code_digest, commit_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class RegisterModelOperator(RetrainOperator):
    """Registers the winner as a version of the model package group; the same model stays one version.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    :param bias: output of ``analyze.bias``
    :param explain_bias: output of ``explain.bias``
    :param explain_shap: output of ``explain.shap``
    :param quality: output of ``check.reviews``
    :param drift: output of ``check.drift``
    """

    template_fields: Sequence[str] = (
        *("run", "datasets", "verdict", "bias", "explain_bias", "explain_shap", "quality", "drift"),
    )

    def __init__(
        self,
        *,
        datasets: Any,
        verdict: Any,
        bias: Any,
        explain_bias: Any,
        explain_shap: Any,
        quality: Any = None,
        drift: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.quality = quality
        self.drift = drift
        self.datasets = datasets
        self.verdict = verdict
        self.bias = bias
        self.explain_bias = explain_bias
        self.explain_shap = explain_shap

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Register and hand on ``model_package_arn, model_package_group, approval_status``.

        Whether it may be deployed is said by the task ``approve``; a package begins as pending.
        """
        if self.verdict["action"] == "keep_champion":
            raise AirflowSkipException(self.verdict["reason"])
        group = self.settings.model_package_group
        self._ensure_group(group)
        found = self._first_equal(group)
        if found is None:
            found = self._register(group)
        arn, status = found["ModelPackageArn"], found["ModelApprovalStatus"]
        self.log.info("%s is this model, %s", arn, status)
        return {"model_package_arn": arn, "model_package_group": group, "approval_status": status}

    def _register(self, group: str) -> dict[str, Any]:
        """A new version of the group, or that of another run which registered the same model meanwhile.

        A version has no name of its own that could be taken, so that two runs may both find none and both
        create one: looked at again, the lower version counts for both, and the other takes its own back.
        """
        arn = self.aws.sagemaker("create_model_package", **self._request(group))["ModelPackageArn"]
        first = self._first_equal(group)
        if first is None or first["ModelPackageArn"] == arn:
            self._model_card(arn)
            return {"ModelPackageArn": arn, "ModelApprovalStatus": packages.PENDING}
        self.log.info("%s registered the same model first: %s is taken back", first["ModelPackageArn"], arn)
        self.aws.sagemaker("delete_model_package", ModelPackageName=arn)
        return first

    def _ensure_group(self, group: str) -> None:
        name = {"ModelPackageGroupName": group}
        if self.aws.find("describe_model_package_group", **name) is None:
            self.aws.create(
                "create_model_package_group",
                {
                    **name,
                    "ModelPackageGroupDescription": "Sentiment of product reviews",
                    "Tags": as_tags({"retrain:dag": self.run["dag_id"], **self.settings.deployment.tags}),
                },
            )

    def _first_equal(self, group: str) -> dict[str, Any] | None:
        """The lowest version of the same model; None when there is none.

        All versions are listed, since a backfill looks for old ones. Their description says which of them are
        worth a look of its own, their metadata which is right.
        """
        request: dict[str, Any] = {"ModelPackageGroupName": group, "MaxResults": 100}
        equal: list[dict[str, Any]] = []
        while True:
            listed = self.aws.sagemaker("list_model_packages", **request)
            for item in listed["ModelPackageSummaryList"]:
                if self._mark not in item.get("ModelPackageDescription", ""):
                    continue
                name = item["ModelPackageArn"]
                package = self.aws.find("describe_model_package", ModelPackageName=name) or {}
                known = packages.metadata(package).get(packages.FINGERPRINT_KEY)
                if known == self.verdict["model_fingerprint"]:
                    equal.append(package)
            if not listed.get("NextToken"):
                return min(equal, key=lambda package: package["ModelPackageVersion"], default=None)
            request["NextToken"] = listed["NextToken"]

    @property
    def _mark(self) -> str:
        """How a package's description names its model."""
        return f"[model {self.verdict['model_fingerprint'][:16]}]"

    def _request(self, group: str) -> dict[str, Any]:
        stage, status = packages.CANDIDATE
        return {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": (
                f"{self._mark} {self.verdict['winner']}: {self.verdict['reason']}"[:1024]
            ),
            "ModelApprovalStatus": packages.PENDING,
            "ModelLifeCycle": {"Stage": stage, "StageStatus": status},
            "InferenceSpecification": {
                "Containers": self.verdict["containers"],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
                "SupportedRealtimeInferenceInstanceTypes": [self.settings.deployment.instance_type],
                "SupportedTransformInstanceTypes": [self.settings.jobs.transform.instance_type],
            },
            **package_request.evidence(
                self.verdict,
                bias=self.bias,
                explain_bias=self.explain_bias,
                explain_shap=self.explain_shap,
                quality=self.quality,
                drift=self.drift,
            ),
            **package_request.lineage(
                self.run, self.datasets, self.verdict, commit=commit_id(), code_digest=code_digest()
            ),
        }

    def _model_card(self, arn: str) -> None:
        """The card of SageMaker's governance pages, one a package."""
        name = f"{self.settings.model_package_group}-{arn.rpartition('/')[2]}"
        content = package_request.model_card_content(self.run, self.datasets, self.verdict, arn)
        request = {"ModelCardName": name, "Content": json.dumps(content), "ModelCardStatus": "Draft"}
        created = self.aws.create("create_model_card", request)
        self.log.info("model card %s %s", name, "created" if created else "exists already")
