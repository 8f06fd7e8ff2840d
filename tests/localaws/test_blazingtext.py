"""BlazingText's supervised mode: trains, says how well, serves, and refuses what it does not understand."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from reviews import as_fasttext, reviews
from stand_in import CHECKOUT, PYTHON, archive, training_request, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hosting import Hosting

IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
HYPERPARAMETERS = {
    **{"mode": "supervised", "epochs": "10", "learning_rate": "0.5", "vector_dim": "10"},
    **{"min_count": "1", "word_ngrams": "2", "buckets": "1000"},
}
IMAGES = CHECKOUT / "include" / "localaws" / "images"


def run_train(
    box: Path, hyperparameters: dict[str, str], **channels: str
) -> subprocess.CompletedProcess[str]:
    """Run the image's train command by itself on a directory laid out as /opt/ml."""
    (box / "input" / "config").mkdir(parents=True)
    (box / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    for channel, text in channels.items():
        (box / "input" / "data" / channel).mkdir(parents=True)
        (box / "input" / "data" / channel / "corpus.txt").write_text(text, encoding="utf-8")
    return subprocess.run(
        [str(PYTHON), str(IMAGES / "blazingtext" / "train.py")],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(box), "PYTHONPATH": str(IMAGES), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def training_job(hosting: Hosting) -> dict[str, Any]:
    """A finished training job."""
    train, validation = as_fasttext(reviews(300)), as_fasttext(reviews(90, seed=1))
    channels = [
        {
            "ChannelName": name,
            "ContentType": "text/plain",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": hosting.put(text.encode(), f"{name}/corpus.txt"),
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
        for name, text in (("train", train), ("validation", validation))
    ]
    sagemaker = hosting.client("sagemaker")
    request = training_request(
        hosting.bucket,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters=HYPERPARAMETERS,
        InputDataConfig=channels,
    )
    sagemaker.create_training_job(**request)
    return wait_for(
        lambda: sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"]),
        "TrainingJobStatus",
        *("Completed", "Failed"),
    )


@pytest.fixture(scope="module")
def endpoint(hosting: Hosting, training_job: dict[str, Any]) -> Iterator[str]:
    """An endpoint that serves the trained model."""
    artifact = training_job["ModelArtifacts"]["S3ModelArtifacts"]
    model = hosting.model({"Image": IMAGE, "ModelDataUrl": artifact})
    name = hosting.endpoint(hosting.config({model: 1}))
    described = hosting.settled(name)
    assert described["EndpointStatus"] == "InService", described.get("FailureReason")
    yield name
    hosting.delete(name)


def test_training_reports_its_accuracies(training_job: dict[str, Any]) -> None:
    """The metrics of the built-in algorithm arrive without metric definitions of the caller."""
    assert training_job["TrainingJobStatus"] == "Completed", training_job.get("FailureReason")
    measured = {item["MetricName"]: item["Value"] for item in training_job["FinalMetricDataList"]}
    assert 0.85 <= measured["train:accuracy"] <= 1
    assert 0.75 <= measured["validation:accuracy"] <= 1


def test_the_model_is_a_fasttext_model(
    aws: Callable[[str], Any], training_job: dict[str, Any], tmp_path: Path
) -> None:
    """model.tar.gz holds model.bin, which fastText opens."""
    members = archive(aws, training_job["ModelArtifacts"]["S3ModelArtifacts"])
    assert list(members) == ["model.bin"]
    (tmp_path / "model.bin").write_bytes(members["model.bin"])
    code = "import fasttext, sys; print(*sorted(fasttext.load_model(sys.argv[1]).labels))"
    command = [str(PYTHON), "-c", code, str(tmp_path / "model.bin")]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert shown.split() == ["__label__-1", "__label__0", "__label__1"]


def test_json_answers_the_most_probable_labels_first(hosting: Hosting, endpoint: str) -> None:
    """`instances` with `configuration.k`."""
    body = json.dumps(
        {"instances": ["love this perfect dress", "awful torn cheap shirt"], "configuration": {"k": 3}}
    )
    kind = "application/json"
    answers = json.loads(hosting.invoke(endpoint, body.encode(), ContentType=kind, Accept=kind))
    assert [answer["label"][0] for answer in answers] == ["__label__1", "__label__-1"]
    for answer in answers:
        assert len(answer["label"]) == 3
        assert answer["prob"] == sorted(answer["prob"], reverse=True)
        assert sum(answer["prob"]) == pytest.approx(1, abs=1e-3)


def test_json_lines_answers_line_by_line(hosting: Hosting, endpoint: str) -> None:
    """Every line may ask for another number of labels."""
    lines = [
        {"source": "love this perfect dress", "k": 2},
        {"source": "awful torn"},
        {"source": "fine\nokay", "k": 3},
    ]
    kind = "application/jsonlines"
    body = "\n".join(map(json.dumps, lines)).encode()
    answers = [
        json.loads(line)
        for line in hosting.invoke(endpoint, body, ContentType=kind, Accept=kind).splitlines()
    ]
    assert [len(answer["label"]) for answer in answers] == [2, 1, 3]
    assert [answer["label"][0] for answer in answers] == ["__label__1", "__label__-1", "__label__0"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "text"),
    [
        (b"not json", "application/json", 400, "body is not JSON"),
        (b'{"instances": "one"}', "application/json", 400, '"instances": ["text"'),
        (b'{"instances": ["a"], "configuration": {"k": 0}}', "application/json", 400, '"k" must be'),
        (b'{"source": "fine"}\n{"text": "x"}', "application/jsonlines", 400, "line 2"),
        (b"", "application/jsonlines", 400, "empty body"),
        (b"some text", "text/csv", 415, "text/csv"),
    ],
)
def test_a_malformed_request_is_refused(
    hosting: Hosting, endpoint: str, body: bytes, content_type: str, status: int, text: str
) -> None:
    """The caller learns what was wrong."""
    with pytest.raises(ClientError) as caught:
        hosting.invoke(endpoint, body or b" ", ContentType=content_type, Accept=content_type)
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalStatusCode"] == status
    assert text in caught.value.response["OriginalMessage"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mode": "skipgram"}, "'word_ngrams' is not allowed in mode skipgram (supervised mode only)"),
        ({"mode": "superb"}, "expected one of supervised, batch_skipgram, skipgram, cbow"),
        ({"epochs": "0"}, "'epochs' is '0'; expected an integer above 0"),
        ({"epochs": "ten"}, "'epochs' is 'ten'"),
        ({"learning_rate": "-0.1"}, "'learning_rate' is '-0.1'; expected a number above 0"),
        ({"learning_rate": "nan"}, "'learning_rate' is 'nan'"),
        ({"min_count": "-1"}, "'min_count' is '-1'; expected an integer of 0 or more"),
        ({"early_stopping": "maybe"}, "expected True or False"),
        ({"window_size": "5"}, "'window_size' is not allowed in mode supervised (word2vec modes only)"),
        ({"epoch": "5"}, "'epoch' is not allowed"),
        ({"early_stopping": "True"}, "early_stopping needs a channel 'validation'"),
    ],
)
def test_bad_hyperparameters_end_with_a_reason(tmp_path: Path, changes: dict[str, str], text: str) -> None:
    """The failure file says what was observed and what was expected; no model is left."""
    finished = run_train(tmp_path, {**HYPERPARAMETERS, **changes}, train=as_fasttext(reviews(9)))
    assert finished.returncode == 1
    reason = (tmp_path / "output" / "failure").read_text()
    assert reason.startswith("ClientError: ")
    assert text in reason
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("corpus", "text"),
    [("", "no line"), ("no label here\n", "no line of corpus.txt has a label and a token")],
)
def test_data_without_labels_is_refused(tmp_path: Path, corpus: str, text: str) -> None:
    """An empty or unlabelled file cannot train."""
    assert run_train(tmp_path, HYPERPARAMETERS, train=corpus).returncode == 1
    assert text in (tmp_path / "output" / "failure").read_text()


def test_training_twice_gives_the_same_model(tmp_path: Path) -> None:
    """Same data, same hyperparameters, same bytes."""
    corpus = as_fasttext(reviews(120))
    models = []
    for name in ("first", "second"):
        assert run_train(tmp_path / name, HYPERPARAMETERS, train=corpus).returncode == 0
        models.append((tmp_path / name / "model" / "model.bin").read_bytes())
    # The file holds the names of its input and output nowhere, so it can be compared as it is.
    assert models[0] == models[1]
