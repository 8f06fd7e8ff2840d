"""What a run asks of AWS, as pairs of action and resource for IAM's simulation. Pure.

A test holds this list against the recorded calls of a full run and against the shipped policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentiment_retrain.endpoint import alarms

if TYPE_CHECKING:
    from sentiment_retrain.settings.schema import Settings

WRITTEN = (
    *("athena", "containers", "curated", "datasets", "endpoints", "inputs"),
    *("jobs", "predictions", "quarantine", "raw", "runs", "scoring", "timeline"),
)
JOBS = {
    "processing-job": ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob"),
    "training-job": ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob"),
    "transform-job": ("CreateTransformJob", "DescribeTransformJob", "StopTransformJob"),
}
TAGGED = ("AddTags", "ListTags")
REGISTRY = (
    *("AddTags", "CreateModelPackage", "DescribeModelPackage", "UpdateModelPackage", "DeleteModelPackage"),
)
LISTINGS = (
    *("ListAutoMLJobs", "ListCandidatesForAutoMLJob", "ListEndpointConfigs", "ListEndpoints"),
    *("ListModelPackages", "ListModels", "ListProcessingJobs", "ListTrainingJobs", "ListTransformJobs"),
)


def wanted(settings: Settings, region: str, account: str, partition: str) -> list[tuple[str, str]]:
    """Every (action, ARN) of a run on this configuration.

    :param account: the account's twelve digits
    :param partition: ``aws``, ``aws-cn`` or ``aws-us-gov``
    """

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    pairs: list[tuple[str, str]] = []

    def want(service: str, actions: tuple[str, ...], *resources: str) -> None:
        pairs.extend((f"{service}:{action}", resource) for resource in resources for action in actions)

    bucket = f"arn:{partition}:s3:::{settings.bucket}"
    want("s3", ("ListBucket", "GetBucketLocation"), bucket)
    want("s3", ("GetObject", "PutObject"), *(f"{bucket}/{place}/*" for place in WRITTEN))
    want("s3", ("DeleteObject",), f"{bucket}/curated/any.parquet", f"{bucket}/raw/any/_manifest.json")
    # A folder is read with all below it.
    source = (settings.source_uri or f"s3://{settings.bucket}/inbox/").removeprefix("s3://")
    want("s3", ("GetObject",), f"arn:{partition}:s3:::{source}{'*' if source.endswith('/') else ''}")
    database, table = f"database/{settings.database}", f"table/{settings.database}/*"
    # Athena reads partitions as whoever asks it, and wants the database `default` whichever is queried.
    want("glue", ("GetDatabase",), arn("glue", database))
    want("glue", ("GetDatabase", "CreateDatabase"), arn("glue", "database/default"))
    tables = (
        *("GetTable", "CreateTable", "UpdateTable", "BatchCreatePartition"),
        *("GetPartition", "GetPartitions", "BatchGetPartition"),
    )
    want("glue", tables, arn("glue", table))
    queries = (
        *("GetWorkGroup", "StartQueryExecution", "GetQueryExecution"),
        *("GetQueryResults", "StopQueryExecution"),
    )
    want("athena", queries, arn("athena", f"workgroup/{settings.workgroup}"))
    for kind, actions in JOBS.items():
        want("sagemaker", (*actions, *TAGGED), arn("sagemaker", f"{kind}/{settings.prefix}-*"))
    initials = "".join(word[0] for word in settings.prefix.split("-"))
    automl = ("CreateAutoMLJobV2", "DescribeAutoMLJobV2", "StopAutoMLJob", *TAGGED)
    want("sagemaker", automl, arn("sagemaker", f"automl-job/{initials}-*"))
    models = ("CreateModel", "DescribeModel", "DeleteModel", "AddTags")
    want("sagemaker", models, arn("sagemaker", f"model/{settings.prefix}-*"))
    configs = ("CreateEndpointConfig", "DescribeEndpointConfig", "DeleteEndpointConfig", "AddTags")
    want("sagemaker", configs, arn("sagemaker", f"endpoint-config/{settings.prefix}-*"))
    endpoint = ("CreateEndpoint", "DescribeEndpoint", "UpdateEndpoint", "InvokeEndpoint", *TAGGED)
    want("sagemaker", endpoint, arn("sagemaker", f"endpoint/{settings.endpoint_name}"))
    group = settings.model_package_group
    want("sagemaker", REGISTRY, arn("sagemaker", f"model-package/{group}/*"))
    groups = ("CreateModelPackageGroup", "DescribeModelPackageGroup", "AddTags")
    want("sagemaker", groups, arn("sagemaker", f"model-package-group/{group}"))
    want("sagemaker", ("CreateModelCard",), arn("sagemaker", f"model-card/{group}-*"))
    want("sagemaker", LISTINGS, "*")
    roles = {settings.role_arn, settings.model_role_arn} - {None}
    want("iam", ("PassRole",), *sorted(role for role in roles if role))
    made = [arn("cloudwatch", f"alarm:{name}") for name in alarms.all_names(settings.endpoint_name)]
    want("cloudwatch", ("PutMetricAlarm", "DeleteAlarms"), *made)
    looked_at = [arn("cloudwatch", f"alarm:{name}") for name in settings.deployment.alarms.existing]
    want("cloudwatch", ("DescribeAlarmHistory",), *made, *looked_at)
    want("cloudwatch", ("DescribeAlarms", "PutMetricData"), "*")
    logs = arn("logs", "log-group:/aws/sagemaker/TrainingJobs:log-stream")
    want("logs", ("DescribeLogStreams",), f"{logs}:any")
    want("logs", ("GetLogEvents",), f"{logs}:{settings.prefix}-*")
    topics = {settings.approval.topic_arn, settings.notifications.topic_arn} - {None}
    want("sns", ("Publish",), *sorted(topic for topic in topics if topic))
    return pairs
