"""Images are pulled from ECR of the request's own region. Pure; each operation says so in its own words."""

from __future__ import annotations

import re

from localaws.protocol import AwsError

_REGISTRY = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<suffix>amazonaws\.com(?:\.cn)?)/")
# As users have quoted them: https://github.com/aws/amazon-sagemaker-examples/issues/2422,
# https://github.com/aws-samples/mlops-amazon-sagemaker/issues/9,
# https://github.com/aws/sagemaker-pytorch-inference-toolkit/pull/7
_REFUSALS = {
    "CreateProcessingJob": (
        "Invalid region {found} in image URI {uri}. Please provide an image URI in region {region}."
    ),
    "CreateTrainingJob": (
        "Invalid DNS suffix '{suffix}' for region '{found}' in training image. "
        "Please provide the valid <region>.<dns-suffix>: '{region}.{suffix}'"
    ),
    "CreateModel": (
        'Region of "{uri}" does not match expected region of {region}. '
        "Cross region ECR image pulls are not allowed."
    ),
}


def require_region(operation: str, uri: str, region: str) -> None:
    """Refuse an image of another region's registry.

    Args:
        operation: CreateProcessingJob, CreateTrainingJob or CreateModel.
        uri: an image URI; one that is not in ECR is no business of ours.
        region: of the request.

    Raises:
        AwsError: ValidationException with AWS's text.
    """
    found = _REGISTRY.match(uri)
    if found is None or found["region"] == region:
        return
    values = {"found": found["region"], "suffix": found["suffix"], "uri": uri, "region": region}
    raise AwsError("ValidationException", _REFUSALS[operation].format(**values))
