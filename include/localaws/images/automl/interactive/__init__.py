"""What the cells of the candidate definition notebook call: data processors and candidates as SageMaker jobs.

Written beside the notebook as `sagemaker_automl`; needs boto3 and nothing of this package.
"""

from __future__ import annotations

import math
import random
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from .jobs import JobFailedError, Jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Document = dict[str, Any]

__all__ = ["AutoMLInteractiveRunner", "JobFailedError", "Range", "Trial", "print_table"]

LOG_LOSS = "validation:logloss"
RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
_RECORDIO_MAGIC = b"\x0a\x23\xd7\xce"
_KEYS = "predicted_label,probability,probabilities"
_PROGRAM = {"SAGEMAKER_PROGRAM": "sagemaker_serve", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
_FEATURES = {"AUTOML_TRANSFORM_MODE": "feature-transform", **_PROGRAM}
_ALGORITHM = {
    "MAX_CONTENT_LENGTH": "20971520",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": CSV,
    "SAGEMAKER_INFERENCE_OUTPUT": _KEYS,
    "SAGEMAKER_INFERENCE_SUPPORTED": _KEYS,
}
_LABELS = {
    "AUTOML_TRANSFORM_MODE": "inverse-label-transform",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": CSV,
    "SAGEMAKER_INFERENCE_INPUT": _KEYS,
    "SAGEMAKER_INFERENCE_OUTPUT": _KEYS,
    "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,labels,probabilities",
    **_PROGRAM,
}


@dataclass(frozen=True)
class Range:
    """The range a hyperparameter is drawn from."""

    low: float
    high: float
    logarithmic: bool = True
    integer: bool = False

    def draw(self, chance: random.Random) -> float:
        """A value between both ends, uniform on the range's scale."""
        if self.logarithmic:
            value = math.exp(chance.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = chance.uniform(self.low, self.high)
        return float(round(value)) if self.integer else value


@dataclass(frozen=True)
class Trial:
    """A training job of a candidate; `repeats` and `reported` are the job's candidate and its metric."""

    job: str
    definition: str
    hyperparameters: Mapping[str, str]
    value: float
    repeats: str = ""
    reported: float | None = None


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns."""
    lines = [list(header), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())  # noqa: T201


def _shown(cell: object) -> str:
    return "-" if cell is None or cell == "" else str(cell)


class AutoMLInteractiveRunner:
    """Runs candidate definitions of one AutoML job."""

    def __init__(
        self,
        job: Document,
        output: str,
        generated_module: str,
        images: Mapping[str, str],
        folds: int,
        objective: str,
    ) -> None:
        """Take DescribeAutoMLJobV2's answer, `<S3OutputPath>/<job>`, and where the generated modules are."""
        self.objective = objective
        self._job = job
        self._modules = generated_module
        self._images = images
        self._folds = folds
        self._sagemaker = boto3.client("sagemaker")
        self._s3 = boto3.client("s3")
        self._jobs = Jobs(job["RoleArn"])
        self._run = f"{job['AutoMLJobName'][:24].rstrip('-')}-nb-{secrets.token_hex(3)}"
        self._data = f"{output}/preprocessed-data"
        self._output = f"{output}/notebook/{self._run}"
        self._definitions: dict[str, Document] = {}
        self._processors: dict[str, str] = {}

    def select_candidate(self, definition: Document, name: str) -> None:
        """Add a candidate definition."""
        self._definitions[name] = definition

    def display_candidates(self) -> None:
        """Print the definitions selected."""
        rows = [[name, *_parts(definition)] for name, definition in self._definitions.items()]
        print_table(["definition", "data processor", "algorithm"], rows)

    def best_definition(self, default: str) -> str:
        """The definition of the job's best candidate; `default` when the job has trained none."""
        return self._definition_of(self._job["BestCandidate"]) if "BestCandidate" in self._job else default

    def fit_data_transformers(self, names: Sequence[str] | None = None) -> dict[str, str]:
        """Fit the data processors of these definitions and transform the rows; returns where those are."""
        wanted = {
            _parts(definition)[0]: definition["data_transformer"]
            for definition in self._chosen(names).values()
        }
        jobs = {name: self._start_fit(name, settings) for name, settings in wanted.items()}
        for name, job in jobs.items():
            self._processors[name] = self._jobs.trained(job)["ModelArtifacts"]["S3ModelArtifacts"]
        transforms = {name: self._start_transform(name, wanted[name]) for name in wanted}
        for job in transforms.values():
            self._jobs.transformed(job)
        return {name: self._transformed(name) for name in wanted}

    def tune(
        self,
        names: Sequence[str] | None,
        static: Mapping[str, Mapping[str, str]],
        start: Mapping[str, Mapping[str, float]],
        ranges: Mapping[str, Mapping[str, Range]],
        draws: int,
        seed: int,
    ) -> list[Trial]:
        """Train each definition with the job's best settings of it, or `start`, and with `draws` draws."""
        chance = random.Random(seed)  # noqa: S311
        reported = self._reported()
        started: list[tuple[str, str, dict[str, str], tuple[str, float | None]]] = []
        for name, definition in self._chosen(names).items():
            algorithm = _parts(definition)[1]
            drawn: list[Mapping[str, float]] = [
                {key: limits.draw(chance) for key, limits in ranges[algorithm].items()} for _ in range(draws)
            ]
            settings: list[tuple[dict[str, str], tuple[str, float | None]]] = [
                ({**static[algorithm], **{key: repr(value) for key, value in values.items()}}, ("", None))
                for values in (start[algorithm], *drawn)
            ]
            if name in reported:
                settings[0] = reported[name]
            for hyperparameters, repeated in settings:
                asked = {**hyperparameters, "_kfold": str(self._folds)}
                started.append((self._start_training(definition, asked), name, asked, repeated))
        return [
            Trial(job, name, hyperparameters, self._jobs.metric(job, self.objective), *repeated)
            for job, name, hyperparameters, repeated in started
        ]

    def create_model(self, trial: Trial) -> str:
        """A model of data processor, algorithm and data processor again; returns its name."""
        processor, algorithm = _parts(self._definitions[trial.definition])
        encoding = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": self._encoding(processor)}
        if self._encoding(processor) == RECORDIO:
            encoding["AUTOML_SPARSE_ENCODE_RECORDIO_PROTOBUF"] = "1"
        data_processor = {
            "Image": self._images["data-processor"],
            "ModelDataUrl": self._processors[processor],
        }
        trained = self._jobs.trained(trial.job)["ModelArtifacts"]["S3ModelArtifacts"]
        containers = [
            {**data_processor, "Environment": {**_FEATURES, **encoding}},
            {"Image": self._images[algorithm], "ModelDataUrl": trained, "Environment": _ALGORITHM},
            {**data_processor, "Environment": _LABELS},
        ]
        return self._jobs.model(f"{self._run}-model", containers)

    def deploy(self, model: str, instance_type: str = "ml.m5.xlarge") -> str:
        """An endpoint of the model, in service; returns its name."""
        return self._jobs.endpoint(f"{self._run}-endpoint", model, instance_type)

    def _chosen(self, names: Sequence[str] | None) -> dict[str, Document]:
        return {name: self._definitions[name] for name in (names or self._definitions)}

    def _definition_of(self, candidate: Document) -> str:
        """The definition that a candidate of the job is of; empty when none of the selected ones is."""
        fitted = candidate["CandidateSteps"][1]["CandidateStepName"]
        containers = candidate.get("InferenceContainers") or candidate["InferenceContainerDefinitions"]["CPU"]
        for name, definition in self._definitions.items():
            processor, algorithm = _parts(definition)
            is_fitted = fitted.startswith(f"{self._job['AutoMLJobName']}-{processor}-")
            if is_fitted and containers[1]["Image"] == self._images[algorithm]:
                return name
        return ""

    def _reported(self) -> dict[str, tuple[dict[str, str], tuple[str, float | None]]]:
        """Hyperparameters, name and metric of the job's best candidate of each definition."""
        pages = self._sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(
            AutoMLJobName=self._job["AutoMLJobName"],
            StatusEquals="Completed",
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending",
        )
        best: dict[str, Document] = {}
        for candidate in (candidate for page in pages for candidate in page["Candidates"]):
            best.setdefault(self._definition_of(candidate), candidate)
        return {
            definition: (
                self._sagemaker.describe_training_job(TrainingJobName=candidate["CandidateName"])[
                    "HyperParameters"
                ],
                (candidate["CandidateName"], candidate["FinalAutoMLJobObjectiveMetric"]["Value"]),
            )
            for definition, candidate in best.items()
        }

    def _start_fit(self, name: str, settings: Document) -> str:
        channels = {
            "train": (f"{self._data}/processor_data/", CSV),
            "code": (f"{self._modules}/", "text/x-python"),
        }
        return self._jobs.train(
            f"{self._run}-{name}",
            self._images["data-processor"],
            {"processor_module": f"candidate_data_processors.{name}"},
            channels,
            f"{self._output}/models",
            settings["training_resource_config"],
        )

    def _start_transform(self, name: str, settings: Document) -> str:
        container = {
            "Image": self._images["data-processor"],
            "ModelDataUrl": self._processors[name],
            "Environment": _FEATURES,
        }
        return self._jobs.transform(
            self._jobs.model(f"{self._run}-{name}-transform", [container]),
            f"{self._data}/{'processor_data' if self._folds > 1 else 'tuning_data'}/",
            "text/csv;label_size=1",
            self._transformed(name),
            settings["transform_resource_config"],
        )

    def _start_training(self, definition: Document, hyperparameters: Mapping[str, str]) -> str:
        processor, algorithm = _parts(definition)
        place, encoding = self._transformed(processor), self._encoding(processor)
        channels = {"train": (f"{place}/", encoding)}
        if self._folds == 1:
            channels = {name: (f"{place}/{name}/", encoding) for name in ("train", "validation")}
        return self._jobs.train(
            f"{self._run}-{processor}-{secrets.token_hex(3)}",
            self._images[algorithm],
            hyperparameters,
            channels,
            f"{self._output}/models",
            definition["algorithm"]["training_resource_config"],
            (self.objective, LOG_LOSS),
        )

    def _transformed(self, processor: str) -> str:
        return f"{self._output}/transformed-data/{processor}"

    def _encoding(self, processor: str) -> str:
        """How the data processor writes rows, told by the first bytes that it has written."""
        bucket, _, prefix = self._transformed(processor).removeprefix("s3://").partition("/")
        first = self._s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1)["Contents"][0]["Key"]
        start = self._s3.get_object(Bucket=bucket, Key=first, Range="bytes=0-3")["Body"].read()
        return RECORDIO if start == _RECORDIO_MAGIC else CSV


def _parts(definition: Document) -> tuple[str, str]:
    return definition["data_transformer"]["name"], definition["algorithm"]["name"]
