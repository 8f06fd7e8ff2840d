"""The Amazon provider's own operators, unchanged, waiting and deferrable."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from hosting import SHOUT, WITNESS, Hosting, unique
from stand_in import ROLE, job_name, training_request, with_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopilot import Autopilot

pytestmark = [
    pytest.mark.usefixtures("aws_environment"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::airflow.exceptions.AirflowProviderDeprecationWarning"),
]

CONNECTION: dict[str, Any] = {
    "aws_conn_id": None,
    "region_name": "us-east-1",
    "do_xcom_push": False,
    "task_id": "task",
}


def run(operator: Any) -> Any:
    """Execute an operator as Airflow's worker does; a deferred one goes on with its trigger's event."""
    from airflow.sdk.exceptions import TaskDeferred

    context: dict[str, Any] = {}
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        while True:
            event = asyncio.run(first_event(deferred.trigger))
            resumed = getattr(operator, deferred.method_name)
            try:
                return resumed(context, **(deferred.kwargs or {}), event=event)
            except TaskDeferred as again:
                deferred = again


async def first_event(trigger: Any) -> Any:
    """The payload of the first event of a trigger."""
    async for event in trigger.run():
        return event.payload
    return None


def refused(operator: Any, *expected: str) -> None:
    """The operator fails, and its message holds what is `expected`."""
    from airflow.sdk.exceptions import AirflowException

    with pytest.raises((AirflowException, RuntimeError)) as caught:
        run(operator)
    assert all(text in str(caught.value) for text in expected), caught.value


def followed_log(name: str) -> list[str]:
    """A training job's log as the operator prints it, which itself looks every 30 seconds only."""
    from airflow.providers.amazon.aws.hooks.sagemaker import LogState, SageMakerHook

    hook: Any = SageMakerHook(aws_conn_id=None, region_name="us-east-1")  # type: ignore[no-untyped-call]
    positions: dict[str, Any] = {}
    described = hook.describe_training_job(name)
    hook.describe_training_job_with_log(name, positions, [], 1, LogState.COMPLETE, described, 0.0)
    events = hook.multi_stream_iter("/aws/sagemaker/TrainingJobs", list(positions))
    return [event["message"] for _, event in events if event]


@pytest.fixture
def data(aws: Callable[[str], Any], bucket: str) -> str:
    """A bucket with rows to train on."""
    for prefix in ("train", "in"):
        aws("s3").put_object(Bucket=bucket, Key=f"{prefix}/rows.csv", Body=b"1,good\n-1,bad\n")
    return bucket


@pytest.mark.parametrize("deferrable", [False, True])
def test_athena_operator(aws: Callable[[str], Any], bucket: str, deferrable: bool) -> None:
    from airflow.providers.amazon.aws.operators.athena import AthenaOperator

    def operator(query: str) -> AthenaOperator:
        return AthenaOperator(
            query=query,
            database="default",
            output_location=f"s3://{bucket}/results",
            sleep_time=1,
            max_polling_attempts=60,
            deferrable=deferrable,
            **CONNECTION,
        )

    query_id = run(operator("SELECT 7 AS seven"))
    rows = aws("athena").get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["seven", "7"]
    refused(operator("SELECT nothing FROM nowhere"), "FAILED")


@pytest.mark.parametrize("deferrable", [False, True])
def test_training_operator(data: str, deferrable: bool) -> None:
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator

    def operator(**changes: Any) -> SageMakerTrainingOperator:
        return SageMakerTrainingOperator(
            config=training_request(data, **changes),
            print_log=False,
            check_interval=1,
            deferrable=deferrable,
            **CONNECTION,
        )

    trained = run(operator())["Training"]
    assert "epoch=2 loss=0.3333;" in followed_log(trained["TrainingJobName"])
    assert trained["TrainingJobStatus"] == "Completed"
    assert trained["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")
    refused(operator(HyperParameters={"behaviour": "fail"}), "ailed")


@pytest.mark.parametrize("deferrable", [False, True])
def test_processing_operator(data: str, deferrable: bool) -> None:
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerProcessingOperator

    def operator(argument: str) -> SageMakerProcessingOperator:
        return SageMakerProcessingOperator(
            config=with_data(data, argument),
            print_log=not deferrable,
            check_interval=1,
            deferrable=deferrable,
            **CONNECTION,
        )

    assert run(operator("copy"))["Processing"]["ProcessingJobStatus"] == "Completed"
    refused(operator("fail"), "ailed")


@pytest.mark.parametrize("deferrable", [False, True])
def test_transform_operator(hosting: Hosting, deferrable: bool) -> None:
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTransformOperator

    hosting.put(b"good\nbad\n", "rows/reviews.csv")

    def operator(prefix: str, script: str) -> SageMakerTransformOperator:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{hosting.bucket}/{prefix}/"}
        name = unique("model")
        return SageMakerTransformOperator(
            config={
                "Model": {
                    "ModelName": name,
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": hosting.container(script),
                },
                "Transform": {
                    "TransformJobName": job_name(),
                    "ModelName": name,
                    "TransformInput": {"DataSource": {"S3DataSource": source}, "SplitType": "Line"},
                    "TransformOutput": {"S3OutputPath": f"s3://{hosting.bucket}/{name}"},
                    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
                },
            },
            check_interval=1,
            deferrable=deferrable,
            **CONNECTION,
        )

    done = run(operator("rows", SHOUT))
    assert done["Transform"]["TransformJobStatus"] == "Completed"
    output = f"{done['Model']['ModelName']}/reviews.csv.out"
    assert (
        hosting.client("s3").get_object(Bucket=hosting.bucket, Key=output)["Body"].read() == b"good!\nbad!\n"
    )
    hosting.put(b"refuse this\n", "refused/reviews.csv")
    refused(operator("refused", WITNESS), "ailed")


@pytest.mark.parametrize("deferrable", [False, True])
def test_endpoint_operator(hosting: Hosting, deferrable: bool) -> None:
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerEndpointOperator

    endpoint = unique("endpoint")

    def operator(operation: str, suffix: str, name: str) -> SageMakerEndpointOperator:
        model = unique("model")
        variant = {"VariantName": "all", "ModelName": model, "InitialInstanceCount": 1}
        return SageMakerEndpointOperator(
            config={
                "Model": {
                    "ModelName": model,
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": hosting.container(SHOUT, suffix),
                },
                "EndpointConfig": {
                    "EndpointConfigName": model,
                    "ProductionVariants": [variant | {"InstanceType": "ml.m5.large"}],
                },
                "Endpoint": {"EndpointName": name, "EndpointConfigName": model},
            },
            operation=operation,
            check_interval=1,
            deferrable=deferrable,
            **CONNECTION,
        )

    assert run(operator("create", "!", endpoint))["Endpoint"]["EndpointStatus"] == "InService"
    assert hosting.invoke(endpoint) == "hello!\n"
    assert run(operator("update", "?", endpoint))["Endpoint"]["EndpointStatus"] == "InService"
    assert hosting.invoke(endpoint) == "hello?\n"
    hosting.delete(endpoint)


def test_auto_ml_operator(autopilot: Autopilot) -> None:
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerAutoMLOperator

    assert "deferrable" not in inspect.signature(SageMakerAutoMLOperator.__init__).parameters

    def operator(target: str) -> SageMakerAutoMLOperator:
        return SageMakerAutoMLOperator(
            job_name=unique("automl"),
            s3_input=autopilot.training,
            target_attribute=target,
            s3_output=f"s3://{autopilot.bucket}/airflow",
            role_arn=ROLE,
            extras={"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 1}}},
            check_interval=1,
            **CONNECTION,
        )

    best = run(operator("sentiment"))
    assert best["CandidateStatus"] == "Completed"
    assert len(best["InferenceContainers"]) == 3
    refused(operator("no-such-column"), "ailed")
