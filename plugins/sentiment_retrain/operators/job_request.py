"""What a task asks for, and how an existing job came to be the answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiment_retrain import naming
from sentiment_retrain.aws.jobs import output_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentiment_retrain.aws.jobs import JobKind, JobState


@dataclass(frozen=True)
class JobRequest:
    """One remote job that a task needs done.

    :param step: what is computed (not for which task): the same step on the same inputs is the same job
    :param inputs: everything the result depends on; its fingerprint is the job's identity
    :param body: gives the create request for a job name, without the name and the tags
    :param data_until: newest data in the inputs, ``YYYY-MM-DD``; part of the name
    :param prepare: called before submitting, with the job's name (uploads a config, say)
    :param fallback_instance_types: tried in this order when there is no capacity or quota for
        ``instance_type``; they are not part of the identity, because the result is the same
    """

    kind: JobKind
    step: str
    inputs: Mapping[str, Any]
    body: Callable[[str], dict[str, Any]]
    data_until: str
    instance_type: str
    instance_count: int
    timeout_seconds: int
    prepare: Callable[[str], None] | None = None
    fallback_instance_types: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of step and inputs."""
        return naming.fingerprint({"step": self.step, "inputs": dict(self.inputs)})

    def name(self, prefix: str, attempt: int) -> str:
        """The job's name at this attempt: the same inputs give the same names, in the same order."""
        limit = self.kind.name_limit
        return naming.job_name(prefix, self.step, self.data_until, self.fingerprint, attempt, limit)

    @property
    def instance_types(self) -> list[str]:
        """The configured type and its fallbacks; only the former where AWS chooses the machines."""
        fallbacks = self.fallback_instance_types if self.kind.machines else ()
        return list(dict.fromkeys((self.instance_type, *fallbacks)))


def job_document(
    kind: JobKind,
    description: Mapping[str, Any],
    state: JobState,
    *,
    outcome: str,
    owner: str,
    why: str,
    cost_usd: float | None,
) -> dict[str, Any]:
    """The ``job`` of docs/contracts.md section 2.

    :param cost_usd: US dollars, None for machines without a price
    """
    return {
        "kind": state.kind,
        "name": state.name,
        "arn": state.arn,
        "status": state.status,
        "outcome": outcome,
        "owner": owner,
        "why": why,
        "seconds": state.seconds,
        "billable_seconds": state.billable_seconds,
        "cost_usd": cost_usd,
        "output_uri": output_uri(kind, description),
    }


class Claim(NamedTuple):
    """How a job came to be ours: ``submitted``, ``reconnected``, ``reused`` or (empty) not at all.

    Only an ``owned`` job is stopped with the task: one of another run must survive this task's kill.

    ``owner`` is the key of the run that started the job and pays for it, as the job's tags say.
    """

    outcome: str
    why: str
    owned: bool = False
    owner: str = ""
