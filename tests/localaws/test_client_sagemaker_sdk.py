"""SageMaker's Python SDK, version 3, unchanged: resources and Clarify."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hosting import IMAGE, SHOUT, Hosting, archive, unique
from stand_in import ENDED, ROLE, TEST_IMAGE, job_name, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.usefixtures("aws_environment"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def session(aws_environment: None) -> Any:
    """A boto3 session that finds the stand-in."""
    import boto3

    return boto3.Session(region_name="us-east-1")


@pytest.fixture(autouse=True)
def _fresh_clients(aws_environment: None) -> None:
    """The SDK keeps one client a process; a test must not get the one of another stand-in."""
    from sagemaker.core.utils.utils import SageMakerClient, SingletonMeta

    SingletonMeta._instances.pop(SageMakerClient, None)


def test_training_job_resource(aws: Callable[[str], Any], session: Any, bucket: str) -> None:
    from sagemaker.core.resources import TrainingJob
    from sagemaker.core.shapes import (
        AlgorithmSpecification,
        Channel,
        DataSource,
        OutputDataConfig,
        ResourceConfig,
        S3DataSource,
        StoppingCondition,
    )
    from sagemaker.core.utils.exceptions import FailedStatusError

    aws("s3").put_object(Bucket=bucket, Key="train/rows.csv", Body=b"1,good\n")
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/train/")

    def train(**hyper_parameters: str) -> TrainingJob:
        return TrainingJob.create(
            session=session,
            training_job_name=job_name(),
            role_arn=ROLE,
            algorithm_specification=AlgorithmSpecification(
                training_image=TEST_IMAGE, training_input_mode="File"
            ),
            input_data_config=[Channel(channel_name="train", data_source=DataSource(s3_data_source=source))],
            output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
            resource_config=ResourceConfig(
                instance_count=1, instance_type="ml.m5.large", volume_size_in_gb=1
            ),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=120),
            hyper_parameters=hyper_parameters,
        )

    job = train(epochs="3")
    job.wait(poll=1)
    assert job.training_job_status == "Completed"
    assert str(job.model_artifacts.s3_model_artifacts).endswith("/output/model.tar.gz")
    assert job.training_job_name in [
        found.training_job_name for found in TrainingJob.get_all(session=session)
    ]
    failing = train(behaviour="fail")
    with pytest.raises(FailedStatusError):
        failing.wait(poll=1)
    job.delete()


def test_processing_job_resource(session: Any, bucket: str) -> None:
    from sagemaker.core.resources import ProcessingJob
    from sagemaker.core.shapes import (
        AppSpecification,
        ProcessingClusterConfig,
        ProcessingOutput,
        ProcessingOutputConfig,
        ProcessingResources,
        ProcessingS3Output,
    )
    from sagemaker.core.utils.exceptions import FailedStatusError

    cluster = ProcessingClusterConfig(instance_count=1, instance_type="ml.m5.large", volume_size_in_gb=1)

    place = ProcessingS3Output(
        s3_uri=f"s3://{bucket}/out", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    outputs = ProcessingOutputConfig(outputs=[ProcessingOutput(output_name="result", s3_output=place)])

    def process(argument: str) -> ProcessingJob:
        return ProcessingJob.create(
            session=session,
            processing_job_name=job_name(),
            role_arn=ROLE,
            app_specification=AppSpecification(image_uri=TEST_IMAGE, container_arguments=[argument]),
            processing_resources=ProcessingResources(cluster_config=cluster),
            processing_output_config=outputs,
        )

    job = process("copy")
    job.wait(poll=1)
    assert job.processing_job_status == "Completed"
    failing = process("fail")
    with pytest.raises(FailedStatusError):
        failing.wait(poll=1)


def test_model_config_and_endpoint_resources(hosting: Hosting, session: Any) -> None:
    from botocore.exceptions import ClientError
    from sagemaker.core.resources import Endpoint, EndpointConfig, Model
    from sagemaker.core.shapes import ContainerDefinition, ProductionVariant

    data = hosting.put(archive(inference__py=SHOUT, suffix__txt="!"))
    name = unique("sdk")
    container = ContainerDefinition(
        image=IMAGE, model_data_url=data, environment={"SAGEMAKER_PROGRAM": "inference.py"}
    )
    model = Model.create(
        session=session, model_name=name, primary_container=container, execution_role_arn=ROLE
    )
    variant = ProductionVariant(
        variant_name="all",
        model_name=name,
        instance_type="ml.m5.large",
        initial_instance_count=1,
        initial_variant_weight=1.0,
    )
    config = EndpointConfig.create(session=session, endpoint_config_name=name, production_variants=[variant])
    endpoint = Endpoint.create(session=session, endpoint_name=name, endpoint_config_name=name)
    endpoint.wait_for_status("InService", poll=1)
    answer = endpoint.invoke(body=b"hello\n", content_type="text/csv", accept="text/csv")
    assert answer.body.read() == b"hello!\n"
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    config.delete()
    model.delete()
    with pytest.raises(ClientError) as caught:
        Model.get(session=session, model_name=name)
    assert "Could not find model" in str(caught.value)


def test_clarify_processor(aws: Callable[[str], Any], session: Any, bucket: str) -> None:
    from sagemaker.core.clarify import BiasConfig, DataConfig, SageMakerClarifyProcessor
    from sagemaker.core.helper.session_helper import Session

    rows = [("1", "good", "Dresses"), ("-1", "bad", "Dresses"), ("1", "fine", "Blouses")] * 40
    body = "sentiment,review_body,product_category\n" + "".join(",".join(row) + "\n" for row in rows)
    aws("s3").put_object(Bucket=bucket, Key="data/rows.csv", Body=body.encode())
    processor = SageMakerClarifyProcessor(
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=Session(boto_session=session, default_bucket=bucket),
    )

    def measure(facet: str, output: str) -> dict[str, Any]:
        processor.run_pre_training_bias(
            data_config=DataConfig(
                s3_data_input_path=f"s3://{bucket}/data/rows.csv",
                s3_output_path=f"s3://{bucket}/{output}",
                label="sentiment",
                headers=["sentiment", "review_body", "product_category"],
                dataset_type="text/csv",
            ),
            data_bias_config=BiasConfig(label_values_or_threshold=[1], facet_name=facet),
            methods=["CI", "DPL"],
            # To wait is no use: version 3.27 cannot name the error it raises for a failed job.
            wait=False,
            logs=False,
        )
        name = processor.latest_job.processing_job_name
        describe = functools.partial(aws("sagemaker").describe_processing_job, ProcessingJobName=name)
        return wait_for(describe, "ProcessingJobStatus", *ENDED)

    measured = measure("product_category", "report")
    assert measured["ProcessingJobStatus"] == "Completed", measured["FailureReason"]
    written = aws("s3").get_object(Bucket=bucket, Key="report/analysis.json")["Body"].read()
    facets = json.loads(written)["pre_training_bias_metrics"]["facets"]["product_category"]
    metrics = next(item["metrics"] for item in facets if item["value_or_threshold"] == "Blouses")
    values = {metric["name"]: metric["value"] for metric in metrics}
    assert values["CI"] == pytest.approx((80 - 40) / 120)
    failed = measure("no_such_facet", "refused")
    assert failed["ProcessingJobStatus"] == "Failed"
    assert "facet" in failed["FailureReason"]
