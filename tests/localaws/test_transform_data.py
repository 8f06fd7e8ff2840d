"""Batch transform's filters and join, compressed and several inputs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosting import Hosting, unique
from stand_in import wait_for

ROWS = b'1,good,"a,b"\n2,bad,c\n'
OBJECTS = [{"id": 1, "text": "good"}, {"id": 2, "text": "not so bad"}]
JSON_LINES = b"".join(json.dumps(item).encode() + b"\n" for item in OBJECTS)


@pytest.fixture(scope="module")
def model(hosting: Hosting) -> str:
    """A model that answers the length of each line it is sent."""
    return hosting.web_model("lengths")


class Transform:
    """One transform job on some objects."""

    def __init__(self, hosting: Hosting, model: str, **objects: bytes) -> None:
        """`objects` are the inputs by name, `__` in a name stands for a dot."""
        self._hosting = hosting
        self._prefix = unique("transform")
        self._names = [name.replace("__", ".") for name in objects]
        for name, content in zip(self._names, objects.values(), strict=True):
            hosting.put(content, f"{self._prefix}/in/{name}")
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{hosting.bucket}/{self._prefix}/in/"}
        self.request: dict[str, Any] = {
            "TransformJobName": unique("transform"),
            "ModelName": model,
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{hosting.bucket}/{self._prefix}/out",
                "AssembleWith": "Line",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }

    def run(self, **processing: str) -> dict[str, Any]:
        """Run it with this DataProcessing; its description once it has ended."""
        sagemaker = self._hosting.client("sagemaker")
        sagemaker.create_transform_job(**self.request, DataProcessing=processing)
        name = self.request["TransformJobName"]
        return wait_for(
            lambda: sagemaker.describe_transform_job(TransformJobName=name),
            "TransformJobStatus",
            "Completed",
            "Failed",
        )

    def outputs(self) -> list[bytes]:
        """What was written for each input."""
        return [
            self._hosting.client("s3")
            .get_object(Bucket=self._hosting.bucket, Key=f"{self._prefix}/out/{name}.out")["Body"]
            .read()
            for name in self._names
        ]


@pytest.mark.parametrize(
    ("processing", "expected"),
    [
        ({"JoinSource": "Input"}, b'1,good,"a,b",12\n2,bad,c,7\n'),
        ({"InputFilter": "$[1]", "JoinSource": "Input"}, b'1,good,"a,b",4\n2,bad,c,3\n'),
        ({"InputFilter": "$[1:]"}, b"10\n5\n"),
        ({"InputFilter": "$[0,1]"}, b"6\n5\n"),
        ({"JoinSource": "Input", "OutputFilter": "$[0,-1]"}, b"1,12\n2,7\n"),
        ({"JoinSource": "Input", "OutputFilter": "$[-1]"}, b"12\n7\n"),
    ],
)
@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_csv_columns_are_filtered_and_joined(
    hosting: Hosting, model: str, strategy: str, processing: dict[str, str], expected: bytes
) -> None:
    job = Transform(hosting, model, rows__csv=ROWS)
    job.request["BatchStrategy"] = strategy
    described = job.run(**processing)
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert job.outputs() == [expected]
    assert described["DataProcessing"] == processing


@pytest.mark.parametrize(
    ("processing", "expected"),
    [
        (
            {"JoinSource": "Input"},
            [item | {"SageMakerOutput": {"length": n}} for item, n in zip(OBJECTS, (25, 31), strict=True)],
        ),
        ({"InputFilter": "$.text"}, [{"length": 6}, {"length": 12}]),
        (
            {"InputFilter": "$.text", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
            [{"id": 1, "SageMakerOutput": {"length": 6}}, {"id": 2, "SageMakerOutput": {"length": 12}}],
        ),
        ({"JoinSource": "Input", "OutputFilter": "$.SageMakerOutput.length"}, [25, 31]),
    ],
)
def test_json_lines_are_filtered_and_joined(
    hosting: Hosting, model: str, processing: dict[str, str], expected: list[Any]
) -> None:
    job = Transform(hosting, model, rows__jsonl=JSON_LINES)
    job.request["TransformInput"]["ContentType"] = "application/jsonlines"
    described = job.run(**processing)
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert [json.loads(line) for line in job.outputs()[0].splitlines()] == expected


def test_a_json_input_that_is_no_object_is_named(hosting: Hosting, model: str) -> None:
    job = Transform(hosting, model, rows__json=b"[1, 2]")
    job.request["TransformInput"] |= {"ContentType": "application/json", "SplitType": "None"}
    job.request["TransformOutput"]["AssembleWith"] = "None"
    described = job.run(JoinSource="Input")
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert json.loads(job.outputs()[0]) == {"SageMakerInput": [1, 2], "SageMakerOutput": {"length": 6}}


def test_compressed_and_several_inputs(hosting: Hosting, model: str) -> None:
    job = Transform(
        hosting, model, a__csv__gz=gzip.compress(b"x,1\ny,2\n"), b__csv__gz=gzip.compress(b"zz,3\n")
    )
    job.request["TransformInput"]["CompressionType"] = "Gzip"
    described = job.run(InputFilter="$[0]", JoinSource="Input")
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert job.outputs() == [b"x,1,1\ny,2,1\n", b"zz,3,2\n"]


def test_answers_that_are_not_one_a_record_fail_the_job(hosting: Hosting) -> None:
    job = Transform(hosting, hosting.web_model("more\n"), rows__csv=ROWS)
    described = job.run(JoinSource="Input")
    assert described["TransformJobStatus"] == "Failed"
    assert "3 records for 2; they cannot be associated" in described["FailureReason"]


def test_a_filter_that_matches_nothing_fails_the_job(hosting: Hosting, model: str) -> None:
    described = Transform(hosting, model, rows__csv=ROWS).run(InputFilter="$[7]")
    assert described["TransformJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: ")
    assert "$.[7] matches nothing" in described["FailureReason"]


@pytest.mark.parametrize(
    ("processing", "change", "message"),
    [
        ({"InputFilter": "$[0"}, {}, "is not a JSONPath"),
        ({"JoinSource": "Input"}, {"ContentType": "image/png"}, "needs ContentType text/csv"),
        ({"JoinSource": "Input"}, {"SplitType": "None"}, "same SplitType and AssembleWith"),
        ({"JoinSource": "Output"}, {}, "enum value set"),
        ({"OutputFilter": "$" * 64}, {}, "length less than or equal to 63"),
    ],
)
def test_wrong_data_processing_is_refused(
    hosting: Hosting, model: str, processing: dict[str, str], change: dict[str, str], message: str
) -> None:
    job = Transform(hosting, model, rows__csv=ROWS)
    job.request["TransformInput"] |= change
    with pytest.raises(ClientError, match=message) as caught:
        job.run(**processing)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
