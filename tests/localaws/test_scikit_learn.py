"""The scikit-learn image in script mode: serving with the container's defaults, processing, training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import IMAGE, Hosting, archive, unique
from stand_in import archive as members
from stand_in import run_processing, training_request, wait_for, with_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULTS = """
class Doubler:
    def predict(self, array):
        assert str(array.dtype) == "float32", array.dtype
        return array * 2

def model_fn(model_dir):
    return Doubler()
"""
# Everything a script may return.
ANSWERS = """
from flask import Response

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    return {
        "pair": ("told", "application/json"),
        "bare": "told",
        "teapot": Response("short and stout", status=418, mimetype="text/plain"),
        "number": 3,
    }[text]
"""
TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
parser.add_argument("--name")
options = parser.parse_args()
rows = (pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]) / "rows.txt").read_text().split()
if options.alpha < 0:
    raise SystemExit("alpha must not be negative")
told = {"alpha": options.alpha, "name": options.name, "rows": rows, "channels": os.environ["SM_CHANNELS"]}
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model.json").write_text(json.dumps(told))
"""


@pytest.fixture(scope="module")
def endpoint(hosting: Hosting) -> Iterator[str]:
    """A variant with the default functions, and one that answers in every way there is."""
    code = hosting.put(archive(answers__py=ANSWERS), "code/sourcedir.tar.gz")
    defaults = hosting.container(DEFAULTS)
    elsewhere = {
        "Image": IMAGE,
        "Environment": {"SAGEMAKER_PROGRAM": "answers.py", "SAGEMAKER_SUBMIT_DIRECTORY": code},
    }
    name = hosting.endpoint(hosting.config({hosting.model(defaults): 1, hosting.model(elsewhere): 1}))
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "InService", described.get("FailureReason")
    yield name
    hosting.delete(name)


@pytest.mark.parametrize(
    ("content_type", "body", "accept", "expected"),
    [
        ("text/csv", b"1,2\n3,4\n", "text/csv", "2.0,4.0\n6.0,8.0\n"),
        ("application/json", b"[[1, 2]]", "*/*", "[[2.0, 4.0]]"),
    ],
)
def test_without_functions_of_its_own_a_script_predicts_on_arrays(
    hosting: Hosting, endpoint: str, content_type: str, body: bytes, accept: str, expected: str
) -> None:
    answer = hosting.invoke(
        endpoint, body, ContentType=content_type, Accept=accept, TargetVariant="variant-1"
    )
    assert answer == expected


def test_an_unknown_content_type_is_a_server_error(hosting: Hosting, endpoint: str) -> None:
    """As in the real container, which turns whatever a function raises into an exception of its own."""
    with pytest.raises(ClientError, match=r"server error \(500\) .* Content type image/png is not supported"):
        hosting.invoke(endpoint, b"x", ContentType="image/png", TargetVariant="variant-1")


def test_a_script_answers_a_pair_a_text_or_a_response(hosting: Hosting, endpoint: str) -> None:
    runtime = hosting.client("sagemaker-runtime")

    def ask(body: bytes) -> tuple[str, str]:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=body, TargetVariant="variant-2")
        return answer["Body"].read().decode(), answer["ContentType"]

    assert ask(b"pair") == ("told", "application/json")
    assert ask(b"bare") == ("told", "text/html; charset=utf-8")
    with pytest.raises(ClientError, match="short and stout") as caught:
        ask(b"teapot")
    assert caught.value.response["OriginalStatusCode"] == 418
    with pytest.raises(ClientError, match="a body of type int"):
        ask(b"number")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("def input_fn(body, content_type):\n    return body\n", "Please provide a model_fn"),
        (
            "def model_fn(d): pass\ndef input_fn(b, c): pass\ndef transform_fn(m, b, c, a): pass\n",
            "Cannot use transform_fn implementation with input_fn",
        ),
        ("import no_such_module\n", "No module named 'no_such_module'"),
    ],
)
def test_a_script_that_cannot_serve_says_why(hosting: Hosting, script: str, reason: str) -> None:
    name = hosting.endpoint(hosting.config({hosting.model(hosting.container(script)): 1}))
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "Failed"
    assert reason in described["FailureReason"]
    hosting.delete(name)


@pytest.mark.parametrize("entrypoint", [True, False])
def test_processing_runs_the_command_as_it_is_given(
    aws: Callable[[str], Any], bucket: str, entrypoint: bool
) -> None:
    script = (
        "import sys, pathlib\n"
        "text = pathlib.Path('/opt/ml/processing/input/in.txt').read_text()\n"
        "pathlib.Path('/opt/ml/processing/output/out.txt').write_text(text + ' '.join(sys.argv[1:]))\n"
    )
    aws("s3").put_object(Bucket=bucket, Key="in/in.txt", Body=b"given ")
    aws("s3").put_object(Bucket=bucket, Key="in/run.py", Body=script.encode())
    command = ["python3", "/opt/ml/processing/input/run.py"]
    specification = {"ImageUri": IMAGE, "ContainerArguments": [*command, "--flag", "two words"]}
    if entrypoint:
        specification = {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": command,
            "ContainerArguments": ["--flag", "two words"],
        }
    described = run_processing(aws("sagemaker"), with_data(bucket, AppSpecification=specification))
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    written = aws("s3").get_object(Bucket=bucket, Key="out/out.txt")["Body"].read()
    assert written == b"given --flag two words"


@pytest.mark.parametrize(("alpha", "status"), [("0.5", "Completed"), ("-1", "Failed")])
def test_training_runs_the_program(
    hosting: Hosting, aws: Callable[[str], Any], bucket: str, alpha: str, status: str
) -> None:
    aws("s3").put_object(Bucket=bucket, Key="train/rows.txt", Body=b"a b")
    code = hosting.put(archive(fit__py=TRAIN), f"{unique('code')}/sourcedir.tar.gz")
    hyperparameters = {
        "alpha": alpha,
        "name": '"quoted"',
        "sagemaker_program": '"fit.py"',
        "sagemaker_submit_directory": json.dumps(code),
    }
    request = training_request(
        bucket,
        HyperParameters=hyperparameters,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    )
    sagemaker = aws("sagemaker")
    sagemaker.create_training_job(**request)
    described = wait_for(
        lambda: sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"]),
        "TrainingJobStatus",
        "Completed",
        "Failed",
    )
    assert described["TrainingJobStatus"] == status, described.get("FailureReason")
    if status == "Failed":
        assert "ExecuteUserScriptError" in described["FailureReason"]
        return
    model = members(aws, described["ModelArtifacts"]["S3ModelArtifacts"])
    assert json.loads(model["model.json"]) == {
        "alpha": 0.5,
        "name": "quoted",
        "rows": ["a", "b"],
        "channels": '["train"]',
    }
