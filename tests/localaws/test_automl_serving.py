"""The three containers of a candidate, served as an inference pipeline, and the format between them."""

from __future__ import annotations

import csv
import io
import json
import struct
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from reviews import LABELS, reviews

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopilot import Autopilot
    from hosting import Hosting

KEYS = "predicted_label,probability,probabilities"


def containers(candidate: dict[str, Any], keys: str) -> list[dict[str, Any]]:
    """The candidate's containers asked for these response keys, as the SDK asks for them."""
    chosen = [
        {**container, "Environment": dict(container["Environment"])}
        for container in candidate["InferenceContainers"]
    ]
    chosen[1]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = keys
    chosen[2]["Environment"]["SAGEMAKER_INFERENCE_INPUT"] = keys
    chosen[2]["Environment"]["SAGEMAKER_INFERENCE_OUTPUT"] = f"{keys},labels"
    return chosen


@pytest.fixture(scope="module", params=["linear-learner", "sagemaker-xgboost", "mlp"])
def endpoint(
    request: pytest.FixtureRequest,
    hosting: Hosting,
    autopilot: Autopilot,
    watched_automl_job: tuple[dict[str, Any], Any],
) -> Iterator[str]:
    """An endpoint that serves the candidate of one algorithm with all response keys."""
    found = autopilot.candidates(watched_automl_job[0]["AutoMLJobName"])
    candidate = next(
        item for item in found if f"/{request.param}:" in item["InferenceContainers"][1]["Image"]
    )
    name = hosting.endpoint(hosting.config({hosting.model(*containers(candidate, KEYS)): 1}))
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "InService", described.get("FailureReason")
    yield name
    hosting.delete(name)


def test_answers_hold_all_keys_in_the_order_of_the_classes(hosting: Hosting, endpoint: str) -> None:
    """Many rows at once: label, its probability, all probabilities, all labels; and mostly right."""
    rows = reviews(150, seed=7)
    body = "".join(f'"{text}"\n' for _, text in rows).encode()
    answered = list(csv.reader(io.StringIO(hosting.invoke(endpoint, body))))
    assert len(answered) == len(rows)
    hits = 0
    for (label, _), (predicted, probability, probabilities, labels) in zip(rows, answered, strict=True):
        values = json.loads(probabilities)
        assert labels == "['-1', '0', '1']"
        assert sum(values) == pytest.approx(1, abs=1e-6)
        assert max(values) == float(probability) == values[LABELS.index(predicted)]
        hits += predicted == label
    assert hits / len(rows) >= 0.8


def test_single_rows_answer_as_in_a_batch(hosting: Hosting, endpoint: str) -> None:
    """Commas, quotes and line breaks inside a quoted review stay inside it; an empty review is answered."""
    reviews_sent = ['"love it, ""perfect"" and\nwonderful"', '"awful, torn, cheap"', '""']
    single = [hosting.invoke(endpoint, f"{review}\n".encode()) for review in reviews_sent]
    assert [answer.partition(",")[0] for answer in single[:2]] == ["1", "-1"]
    together = hosting.invoke(endpoint, "".join(f"{review}\n" for review in reviews_sent).encode())
    assert list(csv.reader(io.StringIO(together))) == [
        next(csv.reader(io.StringIO(answer))) for answer in single
    ]


def test_json_answers(hosting: Hosting, endpoint: str) -> None:
    """The third container also writes JSON and JSON Lines."""
    body = b'"love this perfect dress"\n"awful torn"\n'
    document = json.loads(hosting.invoke(endpoint, body, Accept="application/json"))
    lines = hosting.invoke(endpoint, body, Accept="application/jsonlines").splitlines()
    assert document == {"predictions": [json.loads(line) for line in lines]}
    first = document["predictions"][0]
    assert (first["predicted_label"], first["labels"]) == ("1", list(LABELS))
    assert first["probability"] == max(first["probabilities"])


@pytest.mark.parametrize(
    ("body", "arguments", "status", "text"),
    [
        (b"one,two\n", {}, 400, "row 1 has 2 cells, expected 1"),
        (b"\xff\xfe\n", {}, 400, "not UTF-8"),
        (b"text", {"ContentType": "text/plain"}, 415, "text/plain"),
        (b"text\n", {"Accept": "image/png"}, 406, "image/png"),
    ],
)
def test_requests_that_cannot_be_answered(
    hosting: Hosting, endpoint: str, body: bytes, arguments: dict[str, str], status: int, text: str
) -> None:
    """Refused by the container that notices, with its status."""
    with pytest.raises(ClientError) as caught:
        hosting.invoke(endpoint, body, **arguments)
    assert caught.value.response["OriginalStatusCode"] == status
    assert text in caught.value.response["OriginalMessage"]


def test_labels_have_no_place_in_the_algorithm_container(
    hosting: Hosting, watched_automl_job: tuple[dict[str, Any], Any]
) -> None:
    """Such a model cannot be served, and its endpoint says why."""
    broken = containers(watched_automl_job[0]["BestCandidate"], f"{KEYS},labels")
    name = hosting.endpoint(hosting.config({hosting.model(*broken): 1}))
    described = hosting.settled(name)
    hosting.delete(name)
    assert described["EndpointStatus"] == "Failed"
    assert "unsupported ['labels']" in described["FailureReason"]


def record_class() -> Any:
    """`aialgs.data.Record` of SageMaker's published record.proto, as far as sparse features need it."""
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
    field = descriptor_pb2.FieldDescriptorProto

    def message(name: str, *fields: tuple[str, int, int, int, str]) -> None:
        described = file.message_type.add(name=name)
        for field_name, number, label, kind, type_name in fields:
            added = described.field.add(name=field_name, number=number, label=label, type=kind)
            if type_name:
                added.type_name = type_name
            elif label == field.LABEL_REPEATED:
                added.options.packed = True

    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    message(
        "Float32Tensor",
        ("values", 1, many, field.TYPE_FLOAT, ""),
        ("keys", 2, many, field.TYPE_UINT64, ""),
        ("shape", 3, many, field.TYPE_UINT64, ""),
    )
    message("Value", ("float32_tensor", 2, one, field.TYPE_MESSAGE, ".aialgs.data.Float32Tensor"))
    message(
        "Entry",
        ("key", 1, one, field.TYPE_STRING, ""),
        ("value", 2, one, field.TYPE_MESSAGE, ".aialgs.data.Value"),
    )
    message("Record", ("features", 1, many, field.TYPE_MESSAGE, ".aialgs.data.Entry"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


def test_transformed_data_is_recordio_protobuf(
    autopilot: Autopilot, watched_automl_job: tuple[dict[str, Any], Any]
) -> None:
    """Google's own parser reads what the data processor wrote: one record a row of the dataset."""
    output = f"autopilot/{watched_automl_job[0]['AutoMLJobName']}/transformed-data/dpp0/rpb/chunk_0.csv.out"
    content = autopilot.read(f"s3://{autopilot.bucket}/{output}")
    record_type, position, tensors = record_class(), 0, []
    while position < len(content):
        magic, length = struct.unpack_from("<II", content, position)
        assert magic == 0xCED7230A
        record = record_type.FromString(content[position + 8 : position + 8 + length])
        assert record.features[0].key == "values"
        tensors.append(record.features[0].value.float32_tensor)
        position += 8 + (length + 3) // 4 * 4
    assert len(tensors) == 600
    assert len({tuple(tensor.shape) for tensor in tensors}) == 1
    for tensor in tensors:
        assert len(tensor.keys) == len(tensor.values) > 0
        assert max(tensor.keys) < tensor.shape[0]
        # Rows of TF-IDF have length 1, so a value or key read wrongly would show.
        assert sum(value * value for value in tensor.values) == pytest.approx(1, abs=1e-5)
