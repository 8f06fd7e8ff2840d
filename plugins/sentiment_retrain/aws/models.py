"""SageMaker models by content: the same containers are the same model, made once."""

from __future__ import annotations

import gzip
import io
import logging
import tarfile
from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain.aws.jobs import as_tags, to_request_tags
from sentiment_retrain.settings import include_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings

log = logging.getLogger(__name__)

TRANSFORM_SCRIPT, INVERSE_SCRIPT = "transform.py", "inverse_label.py"


def model_fingerprint(containers: Sequence[Mapping[str, Any]]) -> str:
    """Identity of an inference pipeline; artifact URIs carry the fingerprint of the job that made them."""
    return naming.fingerprint({"containers": [dict(container) for container in containers]})


def model_identity(
    settings: Settings, contender: str, containers: Sequence[Mapping[str, Any]], data_until: str
) -> tuple[str, str]:
    """Name and fingerprint of the SageMaker model of these containers, whether it exists or not.

    The fingerprint is what the model is; its name also tells the network that it is put into.
    """
    digest = model_fingerprint(containers)
    network = network_of(settings)
    named = naming.fingerprint({"model": digest, **network}) if network else digest
    return naming.job_name(settings.prefix, f"model-{contender}", data_until, named), digest


def network_of(settings: Settings) -> dict[str, Any]:
    """The members of a CreateModel request that say the containers' network; empty for the default."""
    rules = settings.deployment
    network: dict[str, Any] = {}
    if rules.vpc:
        network["VpcConfig"] = {
            "Subnets": list(rules.vpc.subnets),
            "SecurityGroupIds": list(rules.vpc.security_group_ids),
        }
    if rules.network_isolation:
        network["EnableNetworkIsolation"] = True
    return network


def ensure_model(
    aws: Aws,
    settings: Settings,
    run: Mapping[str, Any],
    *,
    contender: str,
    containers: Sequence[Mapping[str, Any]],
    data_until: str,
) -> tuple[str, str]:
    """Name and fingerprint of the SageMaker model of these containers, created unless it exists."""
    name, digest = model_identity(settings, contender, containers, data_until)
    own = to_request_tags(run=run["run_key"], step=contender, fingerprint=digest, data_until=data_until)
    request = {
        "ModelName": name,
        "ExecutionRoleArn": settings.model_role_arn or run["role_arn"],
        "Tags": [*own, *as_tags(settings.deployment.tags)],
        **network_of(settings),
        **({"PrimaryContainer": containers[0]} if len(containers) == 1 else {"Containers": list(containers)}),
    }
    created = aws.find("describe_model", ModelName=name) is None and aws.create("create_model", request)
    log.info("model %s %s", name, "created" if created else "exists already")
    return name, digest


def containers_of(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The containers of a DescribeModel response, in the form CreateModel takes."""
    found = description.get("Containers") or [description["PrimaryContainer"]]
    keys = ("Image", "ModelDataUrl", "Environment")
    return [{key: container[key] for key in keys if container.get(key)} for container in found]


def pack_adapter() -> bytes:
    """``model.tar.gz`` with our serving scripts under ``code/``; equal scripts give equal bytes."""
    directory = include_directory() / "containers" / "adapter"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(directory.glob("*.py")):
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"code/{path.name}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(archive.getvalue(), mtime=0)


def adapter_uri(bucket: str, content: bytes) -> str:
    """Where the packed scripts lie."""
    digest = naming.content_sha256(content)[: naming.PATH_FINGERPRINT_LENGTH]
    return f"s3://{bucket}/containers/{digest}/sourcedir.tar.gz"


def upload_adapter(aws: Aws, bucket: str) -> str:
    """URI of the packed scripts, which is their content's; uploaded unless it is there."""
    content = pack_adapter()
    uri = adapter_uri(bucket, content)
    return uri if aws.exists(uri) else aws.put_bytes(uri, content, "application/gzip")


def blazingtext_pipeline(images: Mapping[str, str], scripts_uri: str, model_uri: str) -> list[dict[str, Any]]:
    """The three containers that make BlazingText speak the serving contract (docs/contracts.md section 3)."""
    return [
        _script_container(images["scikit_learn"], scripts_uri, TRANSFORM_SCRIPT, "application/jsonlines"),
        {"Image": images["blazingtext"], "ModelDataUrl": model_uri, "Environment": {}},
        _script_container(images["scikit_learn"], scripts_uri, INVERSE_SCRIPT, "text/csv"),
    ]


def _script_container(image: str, scripts_uri: str, program: str, accept: str) -> dict[str, Any]:
    return {
        "Image": image,
        "ModelDataUrl": scripts_uri,
        "Environment": {
            "SAGEMAKER_PROGRAM": program,
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": accept,
        },
    }
