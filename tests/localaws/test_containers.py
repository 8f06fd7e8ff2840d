"""Containers see /opt/ml, their host name and no more of the server than they should."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import CHECKOUT, ENDED, PYTHON, StandIn, run_processing, training_request, wait_for, with_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def network(aws: Callable[[str], Any], bucket: str) -> dict[str, Any]:
    """What the `resolve` behaviour found out."""
    body = aws("s3").get_object(Bucket=bucket, Key="out/network.json")["Body"].read()
    return dict(json.loads(body))


@needs_bubblewrap
@pytest.mark.parametrize("isolated", [False, True])
def test_a_container_resolves_its_host_and_may_be_isolated(
    aws: Callable[[str], Any], bucket: str, isolated: bool
) -> None:
    aws("s3").put_object(Bucket=bucket, Key="in/a.txt", Body=b"hello")
    request = with_data(bucket, "resolve", NetworkConfig={"EnableNetworkIsolation": isolated})
    job = run_processing(aws("sagemaker"), request)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert network(aws, bucket) == {"reached": not isolated, "algo-1": "127.0.0.1"}


@needs_bubblewrap
def test_scripts_find_opt_ml(aws: Callable[[str], Any], bucket: str) -> None:
    script = b"import pathlib; pathlib.Path('/opt/ml/processing/output/x').write_text(__file__)"
    aws("s3").put_object(Bucket=bucket, Key="in/script.py", Body=script)
    request = with_data(bucket)
    request["AppSpecification"] = {
        "ImageUri": request["AppSpecification"]["ImageUri"],
        "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/script.py"],
    }
    job = run_processing(aws("sagemaker"), request)
    assert job["ProcessingJobStatus"] == "Completed", job
    written = aws("s3").get_object(Bucket=bucket, Key="out/x")["Body"].read()
    assert written == b"/opt/ml/processing/input/script.py"


def test_without_bubblewrap_paths_are_rewritten(tmp_path: Path) -> None:
    own = StandIn(tmp_path / "state", LOCALAWS_BWRAP="0")
    own.start()
    try:
        s3, sagemaker = own.client("s3"), own.client("sagemaker")
        s3.create_bucket(Bucket="plain")
        script = b"import sys, pathlib; pathlib.Path(sys.argv[1]).joinpath('x').write_text('here')"
        s3.put_object(Bucket="plain", Key="in/script.py", Body=script)
        s3.put_object(Bucket="plain", Key="train/part-0", Body=b"a\n")
        request = with_data("plain")
        request["AppSpecification"] = {
            "ImageUri": request["AppSpecification"]["ImageUri"],
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/script.py"],
            "ContainerArguments": ["/opt/ml/processing/output"],
        }
        job = run_processing(sagemaker, request)
        assert job["ProcessingJobStatus"] == "Completed", job
        assert s3.get_object(Bucket="plain", Key="out/x")["Body"].read() == b"here"
        training = training_request("plain")
        sagemaker.create_training_job(**training)
        trained = wait_for(
            lambda: sagemaker.describe_training_job(TrainingJobName=training["TrainingJobName"]),
            "TrainingJobStatus",
            *ENDED,
        )
        assert trained["TrainingJobStatus"] == "Completed", trained
    finally:
        own.stop()


@pytest.mark.parametrize(
    ("prefix", "key", "expected"),
    [
        ("data/train/", "data/train/x.csv", "x.csv"),
        ("data/train", "data/train/deep/x.csv", "deep/x.csv"),
        ("data/train.csv", "data/train.csv", "train.csv"),
        ("data/tr", "data/train-0.csv", "train-0.csv"),
        ("", "x.csv", "x.csv"),
    ],
)
def test_objects_land_where_sagemaker_puts_them(prefix: str, key: str, expected: str) -> None:
    program = "import sys; from localaws.artifacts import relative_path; print(relative_path(*sys.argv[1:]))"
    ended = subprocess.run(
        [str(PYTHON), "-c", program, prefix, key],
        cwd=CHECKOUT / "include",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.strip() == expected


def test_archives_that_lead_out_are_refused(tmp_path: Path) -> None:
    program = """
import io, pathlib, sys, tarfile
from localaws import artifacts
directory = pathlib.Path(sys.argv[1])
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
    archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO(b""))
try:
    artifacts.unpack(buffer.getvalue(), directory / "inside")
    print("extracted")
except artifacts.ArtifactError:
    print("refused")
source = directory / "source"
(source / "deep").mkdir(parents=True)
(source / "deep/a.txt").write_text("a")
packed = artifacts.pack(source)
artifacts.unpack(packed, directory / "copy")
print((directory / "copy/deep/a.txt").read_text(), packed == artifacts.pack(source))
"""
    ended = subprocess.run(
        [str(PYTHON), "-c", program, str(tmp_path)],
        cwd=CHECKOUT / "include",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.split() == ["refused", "a", "True"]
    assert not (tmp_path / "outside").exists()
