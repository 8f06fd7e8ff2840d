"""The account that the rejection table is tested in."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError
from hosting import SHOUT, Hosting, unique
from rejections import data_services, registry, scaling
from stand_in import ROLE, TEST_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from rejections import Case

CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
# What undoes an accepted request; the rest leaves nothing that costs.
UNDO: dict[str, tuple[str, str]] = {
    "CreateAutoMLJob": ("StopAutoMLJob", "AutoMLJobName"),
    "CreateAutoMLJobV2": ("StopAutoMLJob", "AutoMLJobName"),
    "CreateEndpointConfig": ("DeleteEndpointConfig", "EndpointConfigName"),
    "CreateModel": ("DeleteModel", "ModelName"),
    "CreateModelCard": ("DeleteModelCard", "ModelCardName"),
    "CreateModelPackageGroup": ("DeleteModelPackageGroup", "ModelPackageGroupName"),
    "CreateProcessingJob": ("StopProcessingJob", "ProcessingJobName"),
    "CreateTrainingJob": ("StopTrainingJob", "TrainingJobName"),
    "CreateTransformJob": ("StopTransformJob", "TransformJobName"),
}


class World:
    """What is in the account while the table is tested; each `@word` of a request names a part of it."""

    def __init__(self, aws: Callable[[str], Any]) -> None:
        """Make everything, and wait for the endpoint."""
        self._aws = aws
        hosting = Hosting(aws)
        model = hosting.model(hosting.container(SHOUT))
        self.names = {
            "@account": ROLE.split(":")[4],
            "@alarm": unique("alarm"),
            "@bucket": hosting.bucket,
            "@clarify": CLARIFY,
            "@database": unique("database"),
            "@group": unique("group"),
            "@image": TEST_IMAGE,
            "@missing": unique("missing"),
            "@model": model,
            "@role": ROLE,
            "@table": unique("table"),
        }
        self._endpoint()
        hosting.put(b"sentiment,review_body\n" + b"1,good\n-1,bad\n" * 10, "data/rows.csv")
        hosting.put(_archive(), "model.tar.gz")
        self._registry()
        self._tables()
        hosting.settled(self.names["@endpoint"])
        self._scaling()
        self._hosting = hosting

    def _endpoint(self) -> None:
        config = unique("config")
        variants = [
            {
                "VariantName": name,
                "ModelName": self.names["@model"],
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
            for name in ("all", "more")
        ]
        self._aws("sagemaker").create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
        self.names |= {"@config": config, "@endpoint": unique("endpoint")}
        self._aws("sagemaker").create_endpoint(
            EndpointName=self.names["@endpoint"], EndpointConfigName=config
        )

    def _registry(self) -> None:
        sagemaker = self._aws("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName=self.names["@group"])
        self.names["@package"] = sagemaker.create_model_package(**self.filled(registry.PACKAGE.valid))[
            "ModelPackageArn"
        ]

    def _tables(self) -> None:
        glue, names = self._aws("glue"), self.names
        glue.create_database(DatabaseInput={"Name": names["@database"]})
        table = self.filled(data_services.CREATE_TABLE.valid)
        table["TableInput"]["Name"] = names["@table"]
        glue.create_table(**table)
        partition = self.filled(data_services.PARTITION.valid)
        partition["PartitionInput"]["Values"] = ["taken"]
        glue.create_partition(**partition)

    def _scaling(self) -> None:
        request = self.filled(scaling.REGISTER.valid)
        self._aws("application-autoscaling").register_scalable_target(**request)
        self._aws("cloudwatch").put_metric_alarm(
            AlarmName=self.names["@alarm"],
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            MetricName="Invocation5XXErrors",
            Namespace="AWS/SageMaker",
            Period=60,
            Statistic="Sum",
            Threshold=1.0,
        )

    def filled(self, value: Any) -> Any:
        """`value` with each `@word` in its strings replaced."""
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, str) or "@" not in value:
            return value
        value = value.replace("@new", f"n{uuid.uuid4().hex[:10]}").replace("@short", "no-such-job")
        for word, name in self.names.items():
            value = value.replace(word, name)
        return value

    def send(self, case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send a case's request; the request as sent, and the answer."""
        request = self.filled(case.request)
        return request, getattr(self._aws(case.service), xform_name(case.operation))(**request)

    def undo(self, case: Case, request: dict[str, Any]) -> None:
        """Remove what an accepted request made; a job may have ended by itself."""
        if case.operation not in UNDO:
            return
        operation, key = UNDO[case.operation]
        try:
            getattr(self._aws(case.service), xform_name(operation))(**{key: request[key]})
        except ClientError as error:
            if not operation.startswith("Stop") or "in status" not in str(error):
                raise

    def delete(self) -> None:
        """Remove what costs."""
        self._aws("application-autoscaling").deregister_scalable_target(**self.filled(scaling.TARGET))
        self._hosting.delete(self.names["@endpoint"])


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    return buffer.getvalue()
