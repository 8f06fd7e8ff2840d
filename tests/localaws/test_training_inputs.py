"""What training containers are given: several instances, pipes, manifests."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import struct
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import (
    ENDED,
    TEST_IMAGE,
    archive,
    refusal,
    run_processing,
    training_request,
    wait_for,
    with_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BLAZINGTEXT = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
SUPERVISED = {"mode": "supervised"}


@pytest.fixture
def filled(aws: Callable[[str], Any], bucket: str) -> str:
    """A bucket with five training objects."""
    for name in "abcde":
        aws("s3").put_object(Bucket=bucket, Key=f"train/{name}.csv", Body=name.encode() * 3 + b"\n")
    return bucket


def request(bucket: str, behaviour: str, source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A request whose channel has `source`; `channel`, `count` and `hyperparameters` change the rest."""
    asked = training_request(bucket, HyperParameters={"behaviour": behaviour})
    asked["HyperParameters"] |= changes.get("hyperparameters", {})
    asked["ResourceConfig"] = asked["ResourceConfig"] | {"InstanceCount": changes.get("count", 1)}
    channel = asked["InputDataConfig"][0]
    channel["DataSource"]["S3DataSource"] = channel["DataSource"]["S3DataSource"] | source
    channel |= changes.get("channel", {})
    return asked


def run(aws: Callable[[str], Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Create a job and wait for its end."""
    sagemaker = aws("sagemaker")
    sagemaker.create_training_job(**asked)
    name = asked["TrainingJobName"]
    return wait_for(
        lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus", *ENDED
    )


def model(aws: Callable[[str], Any], asked: dict[str, Any]) -> dict[str, bytes]:
    """Run a job to its good end; the files of its model."""
    job = run(aws, asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return archive(aws, job["ModelArtifacts"]["S3ModelArtifacts"])


def free_port() -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return str(held.getsockname()[1])


def test_hosts_share_sharded_data_and_hear_each_other(aws: Callable[[str], Any], filled: str) -> None:
    meeting = {"port": free_port()} if shutil.which("bwrap") else {}
    sharded = {"S3DataDistributionType": "ShardedByS3Key"}
    files = model(aws, request(filled, "hosts", sharded, count=2, hyperparameters=meeting))
    seen = {name: json.loads(files[f"{name}.json"]) for name in ("algo-1", "algo-2")}
    assert seen["algo-1"]["files"] == ["a.csv", "c.csv", "e.csv"]
    assert seen["algo-2"]["files"] == ["b.csv", "d.csv"]
    assert all(host["hosts"] == ["algo-1", "algo-2"] for host in seen.values())
    assert files["first.txt"] == b"algo-1"
    if meeting:
        assert seen["algo-1"]["heard"] == ["algo-2"]


def test_a_host_that_fails_ends_the_others(aws: Callable[[str], Any], filled: str) -> None:
    job = run(aws, request(filled, "fail-second", {}, count=2))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the second host failed, exit code: 1"


def test_more_hosts_than_this_machine_runs_are_not_done(aws: Callable[[str], Any]) -> None:
    code, message, _ = refusal(aws("sagemaker").create_training_job, **request("b", "hosts", {}, count=9))
    assert code == "NotImplementedException"
    assert "LOCALAWS_MAX_INSTANCES" in message


def test_supervised_blazingtext_trains_on_one_instance(aws: Callable[[str], Any], filled: str) -> None:
    asked = request(filled, "", {}, count=2) | {"HyperParameters": SUPERVISED}
    asked["AlgorithmSpecification"] = {"TrainingImage": BLAZINGTEXT, "TrainingInputMode": "File"}
    job = run(aws, asked)
    assert job["TrainingJobStatus"] == "Failed"
    assert "single instance" in job["FailureReason"]


def piped(bucket: str, source: dict[str, Any], epochs: int = 1, **channel: Any) -> dict[str, Any]:
    """A request whose container reads its channel as a pipe, so many times."""
    again = {"epochs": str(epochs)}
    return request(bucket, "pipe", source, channel={"InputMode": "Pipe", **channel}, hyperparameters=again)


def test_a_pipe_holds_the_objects_one_after_the_other_in_each_epoch(
    aws: Callable[[str], Any], filled: str
) -> None:
    files = model(aws, piped(filled, {}, epochs=3))
    whole = b"".join(name.encode() * 3 + b"\n" for name in "abcde")
    assert files == {f"epoch-{number}": whole for number in range(3)}


def test_a_pipe_unpacks_and_shuffles(aws: Callable[[str], Any], bucket: str) -> None:
    for name in "abcdef":
        packed = gzip.compress(name.encode())
        aws("s3").put_object(Bucket=bucket, Key=f"train/{name}.gz", Body=packed)
    shuffled = piped(bucket, {}, epochs=2, CompressionType="Gzip", ShuffleConfig={"Seed": 1})
    files = model(aws, shuffled)
    assert sorted(files["epoch-0"]) == sorted(files["epoch-1"]) == sorted(b"abcdef")
    assert files["epoch-0"] != files["epoch-1"]


def records(content: bytes) -> list[bytes]:
    """The records of a RecordIO stream."""
    found = []
    while content:
        magic, length = struct.unpack("<II", content[:8])
        assert magic == 0xCED7230A
        found.append(content[8 : 8 + length])
        content = content[8 + (length + 3) // 4 * 4 :]
    return found


def test_records_are_wrapped(aws: Callable[[str], Any], filled: str) -> None:
    files = model(aws, piped(filled, {}, RecordWrapperType="RecordIO"))
    assert records(files["epoch-0"]) == [name.encode() * 3 + b"\n" for name in "abcde"]


def manifest(aws: Callable[[str], Any], bucket: str, document: Any) -> str:
    """Write a manifest; its URI."""
    content = document if isinstance(document, str) else json.dumps(document)
    aws("s3").put_object(Bucket=bucket, Key="manifest", Body=content.encode())
    return f"s3://{bucket}/manifest"


@pytest.mark.parametrize("wrapped", [True, False])
def test_augmented_manifests_give_their_attributes(
    aws: Callable[[str], Any], filled: str, wrapped: bool
) -> None:
    rows = [
        {"source-ref": f"s3://{filled}/train/{name}.csv", "label": number, "other": "not asked for"}
        for number, name in enumerate("ab")
    ]
    uri = manifest(aws, filled, "\n".join(json.dumps(row) for row in rows))
    names = ["source-ref", "label"]
    source = {"S3DataType": "AugmentedManifestFile", "S3Uri": uri, "AttributeNames": names}
    wrapper: dict[str, Any] = {"RecordWrapperType": "RecordIO"} if wrapped else {}
    content = model(aws, piped(filled, source, **wrapper))["epoch-0"]
    if wrapped:
        assert records(content) == [b"aaa\n", b"0", b"bbb\n", b"1"]
    else:
        lines = [json.loads(line) for line in content.splitlines()]
        assert lines == [{name: row[name] for name in names} for row in rows]


def test_a_manifest_names_the_objects(aws: Callable[[str], Any], filled: str) -> None:
    uri = manifest(aws, filled, [{"prefix": f"s3://{filled}/train/"}, "b.csv", "d.csv"])
    files = model(aws, request(filled, "hosts", {"S3DataType": "ManifestFile", "S3Uri": uri}))
    assert json.loads(files["algo-1.json"])["files"] == ["b.csv", "d.csv"]
    asked = with_data(filled, "hosts")
    source = asked["ProcessingInputs"][0]["S3Input"]
    source |= {"S3DataType": "ManifestFile", "S3Uri": uri}
    assert run_processing(aws("sagemaker"), asked)["ProcessingJobStatus"] == "Completed"
    written = aws("s3").get_object(Bucket=filled, Key="out/algo-1.json")["Body"].read()
    assert json.loads(written)["files"] == ["b.csv", "d.csv"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("no JSON", "is not of the form"),
        ([{"prefix": "s3://b/"}], "at least one object"),
        (["a.csv"], "is not of the form"),
        ([{"prefix": "s3://no-such-bucket-at-all/"}, "x"], "Cannot read s3://no-such-bucket-at-all/x"),
    ],
)
def test_manifests_that_lead_nowhere_fail_the_job(
    aws: Callable[[str], Any], filled: str, document: Any, said: str
) -> None:
    uri = manifest(aws, filled, document)
    job = run(aws, request(filled, "hosts", {"S3DataType": "ManifestFile", "S3Uri": uri}))
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert said in job["FailureReason"]


@pytest.mark.parametrize(
    ("source", "channel", "said"),
    [
        ({"S3DataType": "AugmentedManifestFile", "AttributeNames": ["a"]}, {}, "input mode is Pipe"),
        ({"S3DataType": "AugmentedManifestFile"}, {"InputMode": "Pipe"}, "needs AttributeNames"),
        ({"AttributeNames": ["a"]}, {}, "only be used with AugmentedManifestFile"),
        ({}, {"RecordWrapperType": "RecordIO"}, "RecordIO can only be used"),
    ],
)
def test_channels_must_fit_their_mode(
    aws: Callable[[str], Any], source: dict[str, Any], channel: dict[str, Any], said: str
) -> None:
    asked = request("any-bucket", "hosts", source, channel=channel)
    assert asked["AlgorithmSpecification"]["TrainingImage"] == TEST_IMAGE
    code, message, _ = refusal(aws("sagemaker").create_training_job, **asked)
    assert code == "ValidationException"
    assert said in message
