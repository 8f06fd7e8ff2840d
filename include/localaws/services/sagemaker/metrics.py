"""Metrics that a training job prints: regular expressions over its log lines."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.clients import client
from localaws.containers import repository
from localaws.state import now

if TYPE_CHECKING:
    from datetime import datetime

Document = dict[str, Any]

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_BATCH = 500

# Set by the service for its built-in algorithms; a caller need not send them.
BUILT_IN = {
    "blazingtext": {
        "train:accuracy": f"#train_accuracy: {_NUMBER}",
        "validation:accuracy": f"#validation_accuracy: {_NUMBER}",
        "train:mean_rho": f"#mean_rho: {_NUMBER}",
    },
    "sagemaker-xgboost": {
        "train:mlogloss": rf".*\[[0-9]+\].*#011train-mlogloss:{_NUMBER}.*",
        "validation:mlogloss": rf".*\[[0-9]+\].*#011validation-mlogloss:{_NUMBER}.*",
    },
}


def definitions(request: Document) -> list[Document]:
    """The MetricDefinitions in force for a CreateTrainingJob request."""
    specification = request["AlgorithmSpecification"]
    built_in = BUILT_IN.get(repository(specification["TrainingImage"]), {})
    own: list[Document] = specification.get("MetricDefinitions", [])
    names = {item["Name"] for item in own}
    return [*own, *({"Name": name, "Regex": text} for name, text in built_in.items() if name not in names)]


def invalid_pattern(metric_definitions: list[Document]) -> str | None:
    """Why the first unusable regular expression is unusable, else None."""
    for item in metric_definitions:
        try:
            groups = re.compile(item["Regex"]).groups
        except re.error as error:
            return f"Regex of metric {item['Name']} is invalid: {error}"
        if groups < 1:
            return f"Regex of metric {item['Name']} has no capturing group"
    return None


@dataclass
class MetricReader:
    """Collects the values of `metric_definitions` from log lines."""

    metric_definitions: list[Document]
    points: list[tuple[str, float, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Compile once."""
        self._patterns = [(item["Name"], re.compile(item["Regex"])) for item in self.metric_definitions]

    def read(self, line: str) -> None:
        """Take the values of one line."""
        for name, pattern in self._patterns:
            found = pattern.search(line)
            if found:
                with contextlib.suppress(ValueError, TypeError):
                    self.points.append((name, float(found.group(1)), now()))

    def final(self) -> list[Document]:
        """FinalMetricDataList: the last value of each metric."""
        last = {name: (value, moment) for name, value, moment in self.points}
        return [
            {"MetricName": name, "Value": value, "Timestamp": moment}
            for name, (value, moment) in last.items()
        ]

    def publish(self, job_name: str, region: str) -> None:
        """Send every value to CloudWatch."""
        dimensions = [{"Name": "TrainingJobName", "Value": job_name}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": moment, "Value": value}
            for name, value, moment in self.points
        ]
        for start in range(0, len(data), _BATCH):
            client("cloudwatch", region).put_metric_data(
                Namespace=NAMESPACE, MetricData=data[start : start + _BATCH]
            )
