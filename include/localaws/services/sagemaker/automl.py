"""AutoML jobs (Autopilot), both versions of the API: classification of tables and of texts.

Tables are done in hyperparameter tuning mode; mode AUTO runs it too, whatever the size of the data, and the
ensembling mode is not there. Where AWS fine-tunes a language model on texts, a linear model of TF-IDF weights
is trained here; request, answers and serving are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.jobs import TERMINAL
from localaws.protocol import AwsError, answer
from localaws.services.sagemaker.automl_candidates import objective_value
from localaws.services.sagemaker.automl_engine import AutoMLJob
from localaws.services.sagemaker.automl_requests import plan_v1, plan_v2
from localaws.services.sagemaker.job_resources import JobResource
from localaws.services.sagemaker.listing import slice_page
from localaws.services.sagemaker.resources import Operations
from localaws.services.sagemaker.roles import require_role

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

    from localaws.services.sagemaker.automl_requests import Plan

Document = dict[str, Any]

RESOURCE = JobResource(
    kind="AutoMLJob",
    path="automl-job",
    title="AutoML job",
    taken="AutoML job names must be unique within an AWS account and region, "
    "and an AutoML job with this name already exists ({arn})",
    missing="Could not find requested AutoML job with name: {name}",
)


class AutoMLOperations(Operations):
    """Create, Describe, Stop and List of AutoML jobs, and List of their candidates."""

    def create_auto_ml_job(self) -> ActionResult:
        """Start a job asked for in the first version's form."""
        request = self.request()
        return self._create(request, plan_v1(request), 1)

    def create_auto_ml_job_v2(self) -> ActionResult:
        """Start a job asked for in the second version's form."""
        request = self.request()
        return self._create(request, plan_v2(request), 2)

    def describe_auto_ml_job(self) -> ActionResult:
        """The request and what happened; jobs of the second version are not described here, as on AWS."""
        name = self.request()["AutoMLJobName"]
        document = _consistent(RESOURCE.find(self.region, name))
        if document["Version"] != 1:
            raise AwsError(
                "ValidationException",
                f"AutoML job {name} was created by CreateAutoMLJobV2; describe it with DescribeAutoMLJobV2.",
            )
        return answer(document | _resolved_v1(document))

    def describe_auto_ml_job_v2(self) -> ActionResult:
        """The request and what happened, of jobs of both versions."""
        document = _consistent(RESOURCE.find(self.region, self.request()["AutoMLJobName"]))
        request = _as_v2(document) if document["Version"] == 1 else {}
        return answer(document | request | _resolved_v2(document))

    def stop_auto_ml_job(self) -> ActionResult:
        """Stop the job; candidates that are finished are kept."""
        RESOURCE.stop(self.region, self.request()["AutoMLJobName"])
        return answer({})

    def list_auto_ml_jobs(self) -> ActionResult:
        """Summaries, filtered and in pages."""
        page, token = RESOURCE.page(self.request())
        return answer({"AutoMLJobSummaries": [_consistent(item) for item in page], "NextToken": token})

    def list_candidates_for_auto_ml_job(self) -> ActionResult:
        """Candidates, filtered, sorted and in pages."""
        request = self.request()
        document = RESOURCE.find(self.region, request["AutoMLJobName"])
        page, token = candidates_page(document.get("Candidates", []), request)
        return answer({"Candidates": page, "NextToken": token})

    def _create(self, request: Document, plan: Plan, version: int) -> ActionResult:
        require_role(request["RoleArn"])
        document = RESOURCE.create(
            self.region,
            request["AutoMLJobName"],
            request,
            AutoMLJobSecondaryStatus="Starting",
            Version=version,
            GenerateCandidateDefinitionsOnly=plan.definitions_only,
        )
        AutoMLJob(document, plan, self.region).submit()
        return answer({"AutoMLJobArn": document["AutoMLJobArn"]})


def candidates_page(candidates: list[Document], request: Document) -> tuple[list[Document], str | None]:
    """One page of ListCandidatesForAutoMLJob; a candidate without an objective value is the lowest of all."""
    chosen = [
        candidate
        for candidate in candidates
        if request.get("StatusEquals", candidate["CandidateStatus"]) == candidate["CandidateStatus"]
        and request.get("CandidateNameEquals", candidate["CandidateName"]) == candidate["CandidateName"]
    ]
    keys = {
        "CreationTime": lambda candidate: candidate["CreationTime"],
        "Status": lambda candidate: candidate["CandidateStatus"],
        "FinalObjectiveMetricValue": objective_value,
    }
    descending = request.get("SortOrder", "Descending") == "Descending"
    chosen.sort(key=keys[request.get("SortBy", "CreationTime")], reverse=descending)
    return slice_page(chosen, request)


def _consistent(document: Document) -> Document:
    """A job that ended with the server's end has no word on it in its secondary status."""
    status = document["AutoMLJobStatus"]
    if status in TERMINAL and status != "Completed":
        return document | {"AutoMLJobSecondaryStatus": status}
    return document


def _resolved_v1(document: Document) -> Document:
    resolved = document.get("Resolved")
    if resolved is None:
        return {}
    return {
        "ResolvedAttributes": {
            "AutoMLJobObjective": {"MetricName": resolved["MetricName"]},
            "ProblemType": resolved["ProblemType"],
            "CompletionCriteria": resolved["CompletionCriteria"],
        }
    }


def _resolved_v2(document: Document) -> Document:
    resolved = document.get("Resolved")
    is_text = "TextClassificationJobConfig" in document.get("AutoMLProblemTypeConfig", {})
    changes: Document = {"AutoMLProblemTypeConfigName": "TextClassification" if is_text else "Tabular"}
    if resolved is not None:
        changes["ResolvedAttributes"] = {
            "AutoMLJobObjective": {"MetricName": resolved["MetricName"]},
            "CompletionCriteria": resolved["CompletionCriteria"],
        }
        if not is_text:  # the API has attributes of tables and of text generation only
            tabular = {"TabularResolvedAttributes": {"ProblemType": resolved["ProblemType"]}}
            changes["ResolvedAttributes"]["AutoMLProblemTypeResolvedAttributes"] = tabular
    return changes


def _as_v2(document: Document) -> Document:
    """The request of a job of the first version in the second version's form."""
    configuration = document.get("AutoMLJobConfig", {})
    kept = ("ContentType", "CompressionType", "ChannelType", "DataSource")
    tabular = {
        "TargetAttributeName": document["InputDataConfig"][0]["TargetAttributeName"],
        "ProblemType": document.get("ProblemType"),
        "GenerateCandidateDefinitionsOnly": document["GenerateCandidateDefinitionsOnly"],
        **{
            key: configuration.get(key) for key in ("Mode", "CompletionCriteria", "CandidateGenerationConfig")
        },
    }
    return {
        "AutoMLJobInputDataConfig": [
            {key: channel[key] for key in kept if key in channel} for channel in document["InputDataConfig"]
        ],
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {key: value for key, value in tabular.items() if value is not None}
        },
        "DataSplitConfig": configuration.get("DataSplitConfig"),
        "SecurityConfig": configuration.get("SecurityConfig"),
    }
