"""What is asked of SageMaker for an endpoint, from the configuration. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain.aws.jobs import as_tags, to_request_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.settings import Settings
    from sentiment_retrain.settings.deployment import Deployment

VARIANT = "AllTraffic"
SHADOW_VARIANT = "Shadow"
CAPTURED_TYPES = {
    "CsvContentTypes": ["text/csv"],
    "JsonContentTypes": ["application/json", "application/jsonlines"],
}


def endpoint_config(
    settings: Settings,
    bucket: str,
    *,
    model_name: str,
    contender: str,
    data_until: str,
    shadow_model: str | None = None,
) -> dict[str, Any]:
    """A CreateEndpointConfig request without tags; the same content has the same name.

    :param shadow_model: model that answers every request unseen, None for none
    """
    rules = settings.deployment
    body: dict[str, Any] = {"ProductionVariants": [variant(rules, VARIANT, model_name)]}
    if shadow_model:
        body["ShadowProductionVariants"] = [variant(rules, SHADOW_VARIANT, shadow_model)]
    if rules.data_capture:
        body["DataCaptureConfig"] = _capture(rules, bucket)
    if rules.kms_key_id:
        body["KmsKeyId"] = rules.kms_key_id
    name = naming.job_name(settings.prefix, f"endpoint-{contender}", data_until, naming.fingerprint(body))
    return {"EndpointConfigName": name, **body}


def variant(rules: Deployment, name: str, model_name: str) -> dict[str, Any]:
    """One variant: on instances, or serverless."""
    common = {"VariantName": name, "ModelName": model_name, "InitialVariantWeight": 1.0}
    if rules.serverless:
        serverless = {
            "MemorySizeInMB": rules.serverless.memory_mb,
            "MaxConcurrency": rules.serverless.maximum_concurrency,
        }
        if rules.serverless.provisioned_concurrency:
            serverless["ProvisionedConcurrency"] = rules.serverless.provisioned_concurrency
        return common | {"ServerlessConfig": serverless}
    least = rules.autoscaling.minimum if rules.autoscaling else 1
    count = max(rules.instance_count, least)
    return common | {"InstanceType": rules.instance_type, "InitialInstanceCount": count}


def _capture(rules: Deployment, bucket: str) -> dict[str, Any]:
    capture = rules.data_capture
    if capture is None:
        return {}
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": capture.sampling_percent,
        "DestinationS3Uri": capture.destination_uri or f"s3://{bucket}/capture/",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": CAPTURED_TYPES,
        **({"KmsKeyId": rules.kms_key_id} if rules.kms_key_id else {}),
    }


def update_request(
    rules: Deployment, endpoint_name: str, config_name: str, *, alarms: Sequence[str], keep_count: bool
) -> dict[str, Any]:
    """An UpdateEndpoint request.

    :param alarms: names of the alarms that roll it back
    :param keep_count: whether the instances that autoscaling has made by now are kept
    """
    request: dict[str, Any] = {"EndpointName": endpoint_name, "EndpointConfigName": config_name}
    if rules.serverless:
        # Deployment guardrails are for instances.
        return request
    if keep_count:
        excluded = ("DesiredWeight", "DataCaptureConfig")
        request["RetainAllVariantProperties"] = True
        request["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": kind} for kind in excluded]
    return request | {"DeploymentConfig": deployment_config(rules, alarms)}


def deployment_config(rules: Deployment, alarms: Sequence[str] = ()) -> dict[str, Any]:
    """How traffic moves from the old fleet to the new one, and what undoes it."""
    routing: dict[str, Any] = {"Type": rules.strategy.upper(), "WaitIntervalInSeconds": rules.bake_seconds}
    size = {"Type": "CAPACITY_PERCENT", "Value": rules.canary_percent}
    if rules.strategy == "canary":
        routing["CanarySize"] = size
    elif rules.strategy == "linear":
        routing["LinearStepSize"] = size
    config: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": rules.termination_wait_seconds,
            "MaximumExecutionTimeoutInSeconds": rules.max_execution_seconds,
        }
    }
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def at_once(rules: Deployment) -> Deployment:
    """The same deployment without steps: the way back has been walked before."""
    return rules.model_copy(
        update={"strategy": "all_at_once", "bake_seconds": 0, "termination_wait_seconds": 0}
    )


def resource_tags(
    settings: Settings, run: Mapping[str, Any], *, step: str, fingerprint: str, data_until: str
) -> list[dict[str, str]]:
    """Our own tags, and those of the configuration."""
    own = to_request_tags(run=run["run_key"], step=step, fingerprint=fingerprint, data_until=data_until)
    return [*own, *as_tags(settings.deployment.tags)]
