"""Clarify's jobs as its users send them: bias of a dataset, SHAP of the texts of a model."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hosting import Hosting
from stand_in import ROLE, job_name, run_processing, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"

BIAS = {
    "dataset_type": "text/csv",
    "headers": ["sentiment", "review_body", "product_category"],
    "label": "sentiment",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "product_category"}],
    "methods": {
        "pre_training_bias": {"methods": ["CI", "DPL", "KL", "JS", "LP", "TVD", "KS"]},
        "report": {"name": "report", "title": "Analysis Report"},
    },
}
# Serves the contract: scores are 0.3 each, moved by the words "love" and "hate".
MODEL = """
import csv, io, json

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    answer = io.StringIO()
    writer = csv.writer(answer, lineterminator="\\n")
    for (text,) in csv.reader(io.StringIO(body, newline="")):
        assert text != "break the model"
        love, hate = 0.25 * ("love" in text), 0.25 * ("hate" in text)
        scores = [0.3 - love + hate, 0.4, 0.3 + love - hate]
        best = scores.index(max(scores))
        labels = ["-1", "0", "1"]
        writer.writerow([labels[best], scores[best], json.dumps(scores), str(labels)])
    return answer.getvalue(), "text/csv"
"""


def clarify_request(bucket: str) -> dict[str, Any]:
    """The request that the SageMaker SDK sends for an analysis."""
    source = {
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3CompressionType": "None",
    }
    return {
        "ProcessingJobName": job_name(),
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "AppSpecification": {"ImageUri": CLARIFY},
        "RoleArn": ROLE,
        "ProcessingInputs": [
            {
                "InputName": "dataset",
                "S3Input": source
                | {"S3Uri": f"s3://{bucket}/data/d.csv", "LocalPath": "/opt/ml/processing/input/data"},
            },
            {
                "InputName": "analysis_config",
                "S3Input": source
                | {
                    "S3Uri": f"s3://{bucket}/out/analysis_config.json",
                    "LocalPath": "/opt/ml/processing/input/config",
                },
            },
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "analysis_result",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/out",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }


class Clarify:
    """Analyses in one bucket."""

    def __init__(self, aws: Callable[[str], Any], bucket: str) -> None:
        self.aws = aws
        self.bucket = bucket

    def prepare(self, configuration: dict[str, Any], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        """Store rows under the configured headers, and the configuration; return the job's request."""
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows([configuration["headers"], *rows])
        return self.prepare_text(configuration, text.getvalue())

    def prepare_text(self, configuration: dict[str, Any], data: str) -> dict[str, Any]:
        """Store a dataset as it is, and the configuration; return the job's request."""
        self._put("data/d.csv", data)
        self._put("out/analysis_config.json", json.dumps(configuration))
        return clarify_request(self.bucket)

    def run(self, configuration: dict[str, Any], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        """Analyse rows; return the finished job."""
        job: dict[str, Any] = run_processing(self.aws("sagemaker"), self.prepare(configuration, rows))
        return job

    def read(self, key: str) -> str:
        """One output file."""
        return str(self.aws("s3").get_object(Bucket=self.bucket, Key=f"out/{key}")["Body"].read().decode())

    def keys(self) -> set[str]:
        """What is in the output."""
        listed = self.aws("s3").list_objects_v2(Bucket=self.bucket, Prefix="out/").get("Contents", [])
        return {item["Key"].removeprefix("out/") for item in listed}

    def _put(self, key: str, body: str) -> None:
        self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=body.encode())


@pytest.fixture
def clarify(aws: Callable[[str], Any], bucket: str) -> Clarify:
    return Clarify(aws, bucket)


def test_bias_of_a_dataset(clarify: Clarify) -> None:
    rows = (
        [(1, 'Nice, "really"', "Dresses")] * 60
        + [(0, "so-so", "Dresses")] * 20
        + [(-1, "bad\nbad", "Dresses")] * 20
        + [(1, "good", "Knits")] * 15
        + [(-1, "null", "Knits")] * 5
    )
    job = clarify.run(BIAS, rows)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert clarify.keys() == {"analysis_config.json", "analysis.json", "report.html", "report.ipynb"}
    text = clarify.read("analysis.json")
    analysis = json.loads(text)
    assert text == json.dumps(analysis, indent=4)
    section = analysis["pre_training_bias_metrics"]
    assert (section["label"], section["label_value_or_threshold"]) == ("sentiment", "1")
    dresses, knits = section["facets"]["product_category"]
    assert dresses["value_or_threshold"] == "Dresses"
    values = {entry["name"]: entry["value"] for entry in knits["metrics"]}
    assert list(values) == ["CI", "DPL", "JS", "KL", "KS", "LP", "TVD"]
    assert values["CI"] == pytest.approx(80 / 120, abs=1e-12)
    assert values["DPL"] == pytest.approx(-0.15, abs=1e-12)
    assert values["LP"] == pytest.approx(0.15 * 2**0.5, abs=1e-12)
    assert "Kullback-Liebler Divergence (KL)" in {entry["description"] for entry in dresses["metrics"]}
    page = clarify.read("report.html")
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("http-equiv", "")
    assert json.loads(clarify.read("report.ipynb"))["nbformat"] == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"colour": "red"}, "Analysis configuration schema validation error. colour"),
        ({"facet": [{"name_or_index": "size"}]}, "Unable to locate the facet. 'size'"),
        (
            {"segment_config": [{"name_or_index": "product_category", "segments": [["Knits"]]}]},
            "segment_config is not supported",
        ),
    ],
)
def test_a_failed_analysis_says_why(clarify: Clarify, changes: dict[str, Any], reason: str) -> None:
    job = clarify.run(BIAS | changes, [(1, "good", "Knits")] * 100)
    assert job["ProcessingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]
    assert clarify.keys() == {"analysis_config.json"}


@pytest.fixture
def model(aws: Callable[[str], Any]) -> str:
    """A model of the serving contract."""
    hosting = Hosting(aws)
    return str(hosting.model(hosting.container(MODEL)))


def shap_configuration(model: str, **predictor: Any) -> dict[str, Any]:
    return {
        "dataset_type": "text/csv",
        "headers": ["review_body"],
        "predictor": {
            "model_name": model,
            "instance_type": "ml.m5.large",
            "initial_instance_count": 1,
            "content_type": "text/csv",
            "accept_type": "text/csv",
            "label": 0,
            "probability": 2,
            "label_headers": ["-1", "0", "1"],
        }
        | predictor,
        "methods": {
            "report": {"name": "report", "title": "Analysis Report"},
            "shap": {
                "baseline": [[""]],
                "num_samples": 500,
                "agg_method": "mean_abs",
                "save_local_shap_values": True,
                "seed": 42,
                "text_config": {"granularity": "token", "language": "english"},
            },
        },
    }


def test_shap_of_the_texts_of_a_model(aws: Callable[[str], Any], clarify: Clarify, model: str) -> None:
    long_review = " ".join(["I love this one", *["and it fits so well"] * 8])
    job = clarify.run(
        shap_configuration(model), [("I love, really love it",), ("hate it",), (long_review,), ("",)]
    )
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    shap = json.loads(clarify.read("analysis.json"))["explanations"]["kernel_shap"]
    assert list(shap) == ["-1", "0", "1"]
    assert shap["1"]["expected_value"] == pytest.approx(0.3)
    assert shap["1"]["global_shap_values"] == {"review_body": pytest.approx(3 / 4 * 0.25)}
    assert list(shap["1"]["global_top_shap_text"])[:2] == ["hate", "love"]
    lines = [json.loads(line) for line in clarify.read("explanations_shap/out.jsonl").splitlines()]
    assert len(lines) == 4
    first = lines[0]["explanations"][0]
    assert (first["feature_name"], first["data_type"]) == ("review_body", "free_text")
    found = [
        (part["description"]["partial_text"], part["description"]["start_idx"], part["attribution"])
        for part in first["attributions"]
    ]
    # Either "love" alone carries the whole effect, so each gets half.
    assert found[1] == ("love", 2, pytest.approx([-0.125, 0, 0.125]))
    assert found[4] == ("love", 15, pytest.approx([-0.125, 0, 0.125]))
    total = sum(part["attribution"][2] for part in lines[2]["explanations"][0]["attributions"])
    assert total == pytest.approx(0.25)
    sagemaker = aws("sagemaker")
    assert not sagemaker.list_endpoints(NameContains=model)["Endpoints"]
    assert not sagemaker.list_endpoint_configs(NameContains=model)["EndpointConfigs"]


def test_a_model_that_fails_fails_the_analysis_and_leaves_no_endpoint(
    aws: Callable[[str], Any], clarify: Clarify, model: str
) -> None:
    job = clarify.run(shap_configuration(model), [("I love it",), ("break the model",)])
    assert job["ProcessingJobStatus"] == "Failed"
    assert "gave no prediction" in job["FailureReason"]
    assert not aws("sagemaker").list_endpoints(NameContains=model)["Endpoints"]


def test_a_stopped_analysis_takes_its_endpoint_with_it(aws: Callable[[str], Any], clarify: Clarify) -> None:
    sagemaker = aws("sagemaker")
    slow = f"import time\n{MODEL}".replace("    answer = ", "    time.sleep(8)\n    answer = ")
    hosting = Hosting(aws)
    name = str(hosting.model(hosting.container(slow)))
    request = clarify.prepare(shap_configuration(name), [("I love it",)])
    sagemaker.create_processing_job(**request)
    endpoint = wait_for(
        lambda: {
            "found": len(sagemaker.list_endpoints(NameContains=name, StatusEquals="InService")["Endpoints"])
        },
        "found",
        1,
    )
    assert endpoint
    sagemaker.stop_processing_job(ProcessingJobName=request["ProcessingJobName"])
    job = wait_for(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=request["ProcessingJobName"]),
        "ProcessingJobStatus",
        "Stopped",
    )
    assert job["ProcessingJobStatus"] == "Stopped"
    assert not sagemaker.list_endpoints(NameContains=name)["Endpoints"]
    assert not sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]


def test_post_training_bias_asks_the_model(clarify: Clarify, model: str) -> None:
    configuration = BIAS | {
        "predictor": shap_configuration(model)["predictor"],
        "excluded_columns": ["product_category"],
        "methods": {"post_training_bias": {"methods": "all"}, "report": {"name": "report"}},
    }
    rows = [(1, "love it", "Knits")] * 50 + [(1, "fine", "Dresses")] * 25 + [(-1, "love it", "Dresses")] * 25
    job = clarify.run(configuration, rows)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    facets = json.loads(clarify.read("analysis.json"))["post_training_bias_metrics"]["facets"]
    values = {entry["name"]: entry["value"] for entry in facets["product_category"][1]["metrics"]}
    assert values["AD"] == 1.0
    assert values["DPPL"] == 0.5
    assert values["RD"] == 1.0


# As MODEL, in JSON; a record is an object, and an answer has its place two levels down.
JSON_MODEL = """
import json

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    assert (content_type, accept) == ("application/json", "application/json"), (content_type, accept)
    found = []
    for record in json.loads(body)["instances"]:
        assert list(record) == ["review_body", "product_category"], record
        love, hate = 0.25 * ("love" in record["review_body"]), 0.25 * ("hate" in record["review_body"])
        scores = [0.3 - love + hate, 0.4, 0.3 + love - hate]
        found.append({"label": str(scores.index(max(scores)) - 1), "scores": scores})
    return json.dumps({"predictions": found}), "application/json"
"""


def test_a_dataset_and_a_model_in_json(aws: Callable[[str], Any], clarify: Clarify) -> None:
    hosting = Hosting(aws)
    predictor = shap_configuration(
        str(hosting.model(hosting.container(JSON_MODEL))),
        content_template='{"instances": $records}',
        record_template="$features_kvp",
        label="predictions[*].label",
        probability="predictions[*].scores",
    )["predictor"]
    # Clarify asks a model in the dataset's form, and wants it back in that, when nothing else is said.
    del predictor["content_type"], predictor["accept_type"]
    shap = shap_configuration("")["methods"]["shap"]
    configuration = {
        "dataset_type": "application/json",
        "headers": ["review_body", "product_category", "sentiment"],
        "features": "reviews[*].[text, kind]",
        "label": "reviews[*].stars",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "product_category"}],
        "predictor": predictor,
        "methods": {
            "pre_training_bias": {"methods": ["DPL"]},
            "post_training_bias": {"methods": ["AD"]},
            "shap": shap | {"baseline": [["", ""]]},
            "report": {"name": "report"},
        },
    }
    reviews = [
        *[{"text": 'I "love" it', "kind": "Knits", "stars": 1}] * 30,
        *[{"text": "hate\nit", "kind": "Dresses", "stars": -1}] * 10,
        *[{"text": "love it", "kind": "Dresses", "stars": -1}] * 10,
    ]
    request = clarify.prepare_text(configuration, json.dumps({"reviews": reviews}, indent=1))
    job = run_processing(aws("sagemaker"), request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    analysis = json.loads(clarify.read("analysis.json"))
    knits, dresses = analysis["pre_training_bias_metrics"]["facets"]["product_category"]
    assert (knits["value_or_threshold"], dresses["metrics"][0]["value"]) == ("Knits", 1.0)
    after = analysis["post_training_bias_metrics"]
    assert after["label"] == "sentiment"
    assert [facet["metrics"][0]["value"] for facet in after["facets"]["product_category"]] == [-0.5, 0.5]
    shown = analysis["explanations"]["kernel_shap"]["1"]
    assert shown["expected_value"] == pytest.approx(0.3)
    assert shown["global_shap_values"]["review_body"] == pytest.approx(0.25)
    assert shown["global_shap_values"]["product_category"] == pytest.approx(0.0, abs=1e-9)


# Numbers in, the chance of a loan out: income counts, and age only with it.
TABULAR_MODEL = """
import csv, io

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    lines = []
    for age, income in csv.reader(io.StringIO(body)):
        lines.append("%r" % (0.2 + 0.1 * float(income) + 0.002 * float(age) * (float(income) > 2)))
    return "\\n".join(lines) + "\\n", "text/csv"
"""


def test_our_own_image_explains_a_table_on_two_instances(
    aws: Callable[[str], Any], clarify: Clarify, bucket: str
) -> None:
    hosting = Hosting(aws)
    predictor = shap_configuration(str(hosting.model(hosting.container(TABULAR_MODEL))))["predictor"]
    for key in ("label", "probability"):
        del predictor[key]
    configuration = {
        "dataset_type": "text/csv",
        "headers": ["approved", "age", "income", "town", "id"],
        "label": "approved",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "town"}],
        "excluded_columns": ["town"],
        "joinsource_name_or_index": "id",
        "predictor": predictor | {"label_headers": ["approved"]},
        "methods": {
            "pre_training_bias": {"methods": "all"},
            "shap": {"baseline": [[30, 1]], "seed": 1, "save_local_shap_values": True},
            "pdp": {"grid_resolution": 2, "top_k_features": 1},
            "report": {"name": "report"},
        },
    }
    rows = [(index % 2, 30 + index, 1 + index % 4, "ab"[index % 3 == 0], f"r{index}") for index in range(12)]
    request = clarify.prepare(configuration, rows)
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    request["AppSpecification"]["ImageUri"] = (
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/sentiment-retrain-analyzer:1"
    )
    job = run_processing(aws("sagemaker"), request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert clarify.keys() == {
        "analysis_config.json",
        "analysis.json",
        "report.html",
        "report.ipynb",
        "explanations_shap/out-part-00000.csv",
        "explanations_shap/out-part-00001.csv",
    }
    parts = [
        list(csv.DictReader(io.StringIO(clarify.read(f"explanations_shap/out-part-{index:05d}.csv"))))
        for index in range(2)
    ]
    assert [len(part) for part in parts] == [6, 6]
    local = [line for part in parts for line in part]
    assert [line["id"] for line in local] == [row[4] for row in rows]
    for line, (_, age, income, _, _) in zip(local, rows, strict=True):
        # Both share what they do together: the age of the row and, of the baseline's 30, what income adds.
        joint = 0.002 * (age - 30) * (income > 2)
        assert float(line["age_approved"]) == pytest.approx(joint / 2, abs=1e-9)
        alone = 0.1 * (income - 1) + 0.002 * 30 * (income > 2)
        assert float(line["income_approved"]) == pytest.approx(alone + joint / 2, abs=1e-9)
    analysis = json.loads(clarify.read("analysis.json"))
    assert len(analysis["pre_training_bias_metrics"]["facets"]["town"]) == 2
    (curve,) = analysis["explanations"]["pdp"]
    assert (curve["feature_name"], len(curve["model_predictions"][0])) == ("income", 2)
    shown = analysis["explanations"]["kernel_shap"]["approved"]
    assert shown["expected_value"] == pytest.approx(0.3)
    assert shown["global_shap_values"]["income"] == pytest.approx(
        sum(abs(float(line["income_approved"])) for line in local) / 12
    )
    assert not aws("sagemaker").list_endpoints(NameContains=predictor["model_name"])["Endpoints"]
