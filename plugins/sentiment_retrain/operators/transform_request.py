"""Batch transform jobs: a model answers the reviews of one CSV object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws import jobs
from sentiment_retrain.operators.job_request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentiment_retrain.settings import Settings


def transform_request(
    settings: Settings,
    *,
    bucket: str,
    step: str,
    model_name: str,
    input_uri: str,
    inputs: Mapping[str, Any],
    data_until: str,
    prepare: Callable[[str], None] | None = None,
) -> JobRequest:
    """A job that sends the lines of ``input_uri`` through a model; its answers come in the same order.

    :param inputs: what identifies model and reviews; the size of a batch is added to it
    :param data_until: newest day of the reviews
    :param prepare: called before submitting, with the job's name
    """
    rules = settings.jobs.transform

    def body(name: str) -> dict[str, Any]:
        return {
            "ModelName": model_name,
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": rules.max_payload_mb,
            "MaxConcurrentTransforms": 1,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": input_uri}},
                "ContentType": "text/csv",
                "CompressionType": "None",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{bucket}/jobs/{name}/output",
                "Accept": "text/csv",
                "AssembleWith": "Line",
            },
            "TransformResources": {
                "InstanceType": rules.instance_type,
                "InstanceCount": rules.instance_count,
            },
        }

    return JobRequest(
        kind=jobs.TRANSFORM,
        step=step,
        inputs={**inputs, "max_payload_mb": rules.max_payload_mb},
        body=body,
        data_until=data_until,
        instance_type=rules.instance_type,
        fallback_instance_types=rules.fallback_instance_types,
        instance_count=rules.instance_count,
        timeout_seconds=rules.max_runtime_seconds,
        prepare=prepare,
    )
