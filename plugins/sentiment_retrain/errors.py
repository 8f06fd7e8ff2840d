"""Everything that can go wrong, once each.

::

    RetrainError
    ├── ConfigError                 SR-CONFIG-001  a setting cannot be used
    ├── SourceError                                the source reviews cannot be used
    │   ├── SourceNotFound          SR-SOURCE-001
    │   ├── SourceEmpty             SR-SOURCE-002
    │   ├── ColumnMissing           SR-SOURCE-003
    │   ├── SourceUnreadable        SR-SOURCE-004
    │   └── NoUsableRow             SR-SOURCE-005
    ├── DataQualityError                           the data of a later step cannot be used
    │   ├── TooFewRows              SR-DATA-001
    │   ├── PredictionsMalformed    SR-DATA-002
    │   └── ResultMalformed         SR-DATA-003
    ├── GateFailed                  SR-GATE-…      a gate said no; carries the gates (codes: GATE_CODES)
    │   ├── BudgetExceeded          SR-GATE-008
    │   └── VerificationError       SR-GATE-009 to SR-GATE-011
    ├── JobError                                   a remote job did not deliver
    │   ├── JobFailed               SR-JOB-001
    │   ├── JobStopped              SR-JOB-002
    │   ├── JobTimedOut             SR-JOB-003
    │   ├── CapacityError           SR-JOB-004     retryable
    │   ├── QuotaError              SR-JOB-005
    │   ├── NameTaken               SR-JOB-006
    │   ├── JobInterrupted          SR-JOB-007     retryable
    │   └── JobLost                 SR-JOB-008     retryable
    ├── AwsError                    SR-AWS-003     AWS refused the request
    │   ├── AccessDenied            SR-AWS-001
    │   └── ServiceUnavailable      SR-AWS-002     retryable
    ├── DeploymentError             SR-DEPLOY-001  the endpoint did not take the new model
    │   ├── DeploymentRolledBack    SR-DEPLOY-002
    │   ├── NoRollbackTarget        SR-DEPLOY-003
    │   └── ApprovalTimedOut        SR-DEPLOY-004
    ├── RunCutShort                 SR-RUN-001     somebody ended the run before its end
    └── NotificationError           SR-NOTIFY-001  a message did not arrive; fails no run

Each code is stable: alerts, ``docs/runbook.md`` and people's notes are keyed by it. A code that is retired is
not used again for something else.
"""

# ruff: noqa: N818 - the names say what happened; "GateFailedError" would say it twice.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.error_base import RetrainError as RetrainError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: One code a gate. The name of a gate is what tasks, cards and thresholds call it.
GATE_CODES: Mapping[str, str] = {
    "refused_rows": "SR-GATE-001",
    "quality": "SR-GATE-002",
    "drift": "SR-GATE-003",
    "bias": "SR-GATE-004",
    "attribution_drift": "SR-GATE-005",
    "floor": "SR-GATE-006",
    "post_training_bias": "SR-GATE-007",
    "budget": "SR-GATE-008",
    "golden": "SR-GATE-009",
    "agreement": "SR-GATE-010",
    "latency": "SR-GATE-011",
    "concept_drift": "SR-GATE-012",
}


class ConfigError(RetrainError):
    """A setting cannot be used."""

    code = "SR-CONFIG-001"
    remedy = "Correct the named setting in include/config/ or in the overlay of SENTIMENT_RETRAIN_CONFIG."


class SourceError(RetrainError):
    """The source reviews cannot be used."""

    code = "SR-SOURCE-000"


class SourceNotFound(SourceError):
    """The source reviews are not there."""

    code = "SR-SOURCE-001"
    remedy = "Check the path or S3 URI (DATA= of make run, source_uri of the DAG) and that it may be read."


class SourceEmpty(SourceError):
    """The source file is empty."""

    code = "SR-SOURCE-002"
    remedy = "Ask the source system for the file again; an interrupted upload leaves an empty object."


class ColumnMissing(SourceError):
    """The source file lacks a needed column."""

    code = "SR-SOURCE-003"
    remedy = (
        "Name the file's own columns under `columns` in a file that SENTIMENT_RETRAIN_CONFIG names "
        "(docs/your-data.md has one of five lines), or in include/config/retrain.yaml."
    )


class SourceUnreadable(SourceError):
    """The source file cannot be read as delimited text."""

    code = "SR-SOURCE-004"
    remedy = "Save the file as CSV or tab-separated text in UTF-8, uncompressed, with one header row."


class NoUsableRow(SourceError):
    """No row of the source can be used."""

    code = "SR-SOURCE-005"
    remedy = (
        "Look at the counts by reason: when all rows share one, a column is mapped wrongly in `columns`, "
        "or the scale is another than `sentiment` says (docs/your-data.md)."
    )


class DataQualityError(RetrainError):
    """The data of a step cannot be used."""

    code = "SR-DATA-000"


class TooFewRows(DataQualityError):
    """Too few reviews are left to train or test on."""

    code = "SR-DATA-001"
    remedy = "Widen `window_days`, or add reviews of the rarest sentiment."


class PredictionsMalformed(DataQualityError):
    """A model's predictions break the serving contract."""

    code = "SR-DATA-002"
    remedy = "Compare the first lines of the predictions with docs/contracts.md section 3."


class ResultMalformed(DataQualityError):
    """A job's result is not of the documented form."""

    code = "SR-DATA-003"
    remedy = "Open the named object; a job of another version, or one cut short, may have written it."


class GateFailed(RetrainError):
    """A gate said no.

    :param gates: the failed gates, as :meth:`sentiment_retrain.verdict.gates.Gate.as_dict` gives them
    """

    code = "SR-GATE-000"

    def __init__(self, gates: Sequence[Mapping[str, Any]]) -> None:
        observed = "\n".join(f"{gate['gate']}: {gate['observed']}" for gate in gates)
        reports = dict.fromkeys(str(gate["evidence_uri"]) for gate in gates if gate.get("evidence_uri"))
        expected = "\n".join(
            [*(_gate_expectation(gate) for gate in gates), *(f"full report: {uri}" for uri in reports)]
        )
        remedies = dict.fromkeys(str(gate["remedy"]) for gate in gates)
        super().__init__(observed or "a gate failed", expected, "\n".join(remedies))
        # Exceptions are rebuilt from `args` when a worker hands them to its parent.
        self.args = (gates,)
        self.gates = [dict(gate) for gate in gates]
        if gates:
            self.code = str(gates[0]["code"])

    @property
    def title(self) -> str:
        """The names of the gates that failed."""
        names = [f"`{name}`" for name in dict.fromkeys(str(gate["gate"]) for gate in self._failed)]
        if len(names) > 1:
            return f"The gates {', '.join(names[:-1])} and {names[-1]} said no"
        return f"The gate {names[0]} said no" if names else super().title

    @property
    def codes(self) -> tuple[str, ...]:
        """One code a gate that failed."""
        return tuple(dict.fromkeys(str(gate["code"]) for gate in self._failed)) or (self.code,)

    @property
    def _failed(self) -> list[dict[str, Any]]:
        """Of the gates, which for the report are all that were judged, those that failed."""
        return [gate for gate in self.gates if gate.get("status", "fail") == "fail"]


class BudgetExceeded(GateFailed):
    """The run may cost more than its budget."""

    code = GATE_CODES["budget"]


class VerificationError(GateFailed):
    """The deployed endpoint does not answer as it must."""

    code = GATE_CODES["golden"]


def _gate_expectation(gate: Mapping[str, Any]) -> str:
    """One line: the threshold, and the baseline where there is one."""
    line = f"{gate['gate']}: {gate['threshold']}"
    if gate.get("baseline") is not None:
        line += f" (baseline {gate['baseline']})"
    return line


class JobError(RetrainError):
    """A remote job did not deliver."""

    code = "SR-JOB-000"


class JobFailed(JobError):
    """A remote job failed."""

    code = "SR-JOB-001"
    remedy = (
        "Read the job's own log (linked from the task); a retry starts the next attempt under a new name."
    )


class JobStopped(JobError):
    """A remote job was stopped before it finished."""

    code = "SR-JOB-002"
    remedy = "Find out who stopped it (CloudTrail, a cancelled run); clear the task to do it again."


class JobTimedOut(JobError):
    """A remote job did not finish in time."""

    code = "SR-JOB-003"
    remedy = "Raise the job's maximum runtime in include/config/retrain.yaml, or use a larger instance."


class CapacityError(JobError):
    """AWS has no instance of this type free at the moment."""

    code = "SR-JOB-004"
    remedy = "The task retries by itself; if it lasts, choose another instance type in retrain.yaml."
    retryable = True


class QuotaError(JobError):
    """The account's quota does not allow this resource."""

    code = "SR-JOB-005"
    remedy = "Ask for the named quota in AWS Service Quotas, or choose another instance type."


class NameTaken(JobError):
    """A resource of this name exists and is not ours."""

    code = "SR-JOB-006"
    remedy = (
        "Change `prefix` in include/config/retrain.yaml, or remove the other resource if it is a leftover."
    )


class JobInterrupted(JobError):
    """The task was killed while its job ran."""

    code = "SR-JOB-007"
    remedy = "Nothing when you killed it; when its worker went away, the task retries by itself."
    retryable = True


class JobLost(JobError):
    """AWS lost the job to a fault or a spot interruption of its own."""

    code = "SR-JOB-008"
    remedy = "The task retries by itself, under a new name; see the AWS Health Dashboard if it lasts."
    retryable = True


class AwsError(RetrainError):
    """AWS refused the request."""

    code = "SR-AWS-003"
    remedy = "Correct what AWS names in its message."


class AccessDenied(AwsError):
    """AWS did not permit the call."""

    code = "SR-AWS-001"
    remedy = (
        "Check the worker's AWS credentials (environment, profile or role) and the policy for the action."
    )


class ServiceUnavailable(AwsError):
    """AWS did not answer."""

    code = "SR-AWS-002"
    remedy = "The task retries by itself; check that the endpoint URL and network are right if it lasts."
    retryable = True


class DeploymentError(RetrainError):
    """The endpoint did not take the new model."""

    code = "SR-DEPLOY-001"
    remedy = "The previous configuration is still in service; read the endpoint's failure reason and logs."


class DeploymentRolledBack(DeploymentError):
    """The deployment was rolled back and the former model is in service."""

    code = "SR-DEPLOY-002"
    remedy = (
        "The named alarms say what was wrong with the new model; its package is Rejected, so that no run "
        "deploys it again. Approve it in the registry, or run with deploy: force, when the alarm was wrong."
    )


class NoRollbackTarget(DeploymentError):
    """There is nothing to roll back to."""

    code = "SR-DEPLOY-003"
    remedy = "Name a model in rollback_to (`make rollback MODEL=`): its name, its package's ARN or version."


class ApprovalTimedOut(DeploymentError):
    """Nobody decided in time whether the model may be deployed."""

    code = "SR-DEPLOY-004"
    remedy = "Start the run again: everything is reused, and the question is asked again."


class RunCutShort(RetrainError):
    """The run was cancelled before its end."""

    code = "SR-RUN-001"
    remedy = "Clear the named tasks to go on: what is finished is reused, what was stopped begins anew."


class NotificationError(RetrainError):
    """A message did not arrive.

    :param observed: why, without the address, which is a secret
    """

    code = "SR-NOTIFY-001"
    remedy = "Check the topic or the webhook's connection; the message is kept and sent with the next one."

    def __init__(
        self, observed: str, expected: str = "a receiver that takes the message", remedy: str | None = None
    ) -> None:
        super().__init__(observed, expected, remedy)


def all_errors() -> Iterator[type[RetrainError]]:
    """Every class of the tree above, parents first."""
    waiting: list[type[RetrainError]] = [RetrainError]
    while waiting:
        current = waiting.pop(0)
        yield current
        waiting.extend(current.__subclasses__())


def all_codes() -> dict[str, str]:
    """Every code a user can meet, with the title it is known by."""
    families = {SourceError, DataQualityError, JobError}
    by_class = {
        error.code: (error.__doc__ or "").strip().splitlines()[0].rstrip(".")
        for error in all_errors()
        if error not in families and not issubclass(error, GateFailed)
    }
    by_gate = {code: f"The gate `{gate}` said no" for gate, code in GATE_CODES.items()}
    return {**by_class, **by_gate}
