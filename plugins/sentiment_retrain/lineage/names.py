"""What data sets are called, so that our graph joins with the graphs of others.

The names are those of OpenLineage's naming specification: objects by bucket and key, tables by the ARN of the
Glue catalog, what SageMaker keeps by its ARN. Others who read or write the same thing call it the same.
https://openlineage.io/docs/spec/naming
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain.aws.objects import split_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The catalog that Athena asks when a query names none.
ATHENA_CATALOG = "AwsDataCatalog"


class Name(NamedTuple):
    """A data set's identity."""

    namespace: str
    name: str


def of_uri(uri: str) -> Name:
    """The object or prefix ``s3://bucket/key``; a trailing slash makes no other data set of it."""
    bucket, key = split_uri(uri)
    return Name(f"s3://{bucket}", key.strip("/") or "/")


def of_arn(arn: str) -> Name:
    """What an ARN names: ``arn:partition:service:region:account`` and the resource."""
    *head, resource = arn.split(":", 5)
    return Name(":".join(head), resource)


def _of_service(run: Mapping[str, Any], service: str, resource: str) -> Name:
    """A resource in the run's region, of the account and partition that its role belongs to."""
    _, partition, _, _, account, _ = str(run["role_arn"]).split(":", 5)
    return Name(f"arn:{partition}:{service}:{run['region']}:{account}", resource)


def of_table(run: Mapping[str, Any], database: str, table: str) -> Name:
    """A table of the Glue catalog."""
    return _of_service(run, "glue", f"table/{database}/{table}")


def of_table_in_athena(run: Mapping[str, Any], database: str, table: str) -> Name:
    """The same table as Airflow's ``AthenaOperator`` calls it."""
    return Name(f"awsathena://athena.{run['region']}.amazonaws.com", f"{ATHENA_CATALOG}.{database}.{table}")


def of_model(run: Mapping[str, Any], model_name: str) -> Name:
    """A model of SageMaker."""
    return _of_service(run, "sagemaker", f"model/{model_name}")


def of_endpoint(run: Mapping[str, Any], endpoint_name: str) -> Name:
    """An endpoint of SageMaker."""
    return _of_service(run, "sagemaker", f"endpoint/{endpoint_name}")
