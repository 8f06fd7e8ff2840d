"""What the OpenLineage provider asks an operator, where it is installed and has somebody to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.openlineage.extractors import OperatorLineage

    from sentiment_retrain.errors import RetrainError


@dataclass
class Outcome:
    """How a task ended in this process, so far.

    :param result: what it hands on; None while it runs, and where it was skipped
    :param notes: what lineage tells besides
    :param raised: what Airflow was given, and ``cause`` our error that it was made of
    """

    result: Mapping[str, Any] | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    raised: BaseException | None = None
    cause: RetrainError | None = None

    def failed(self, raised: BaseException, cause: RetrainError | None = None) -> None:
        """Keep the error, and what the task had found out until then."""
        self.raised, self.cause = raised, cause
        self.result = getattr(cause, "result", None)


class LineageHooks(BaseOperator):
    """The provider's extension points; it calls them in a process of its own or in a thread beside the task.

    They give an ``OperatorLineage``. An exception of theirs costs the event its data sets, never the task.
    """

    @cached_property
    def outcome(self) -> Outcome:
        """How the task ended."""
        return Outcome()

    def remember(self, **notes: Any) -> None:
        """Keep what lineage tells and no later task needs."""
        self.outcome.notes.update(notes)

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """What the task is going to read. It is asked again when a deferred task resumes."""
        return self._lineage()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:  # noqa: ARG002
        """What the task read and wrote; nothing of either where it was skipped."""
        if self.outcome.result is None:
            from airflow.providers.openlineage.extractors import OperatorLineage

            return OperatorLineage()
        return self._lineage()

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage[Any, Any]:  # noqa: ARG002
        """What the task read, and wrote before it failed."""
        from sentiment_retrain.lineage.public_errors import make_public

        if self.outcome.raised is not None:
            make_public(self.outcome.raised, self.outcome.cause)
        return self._lineage(has_failed=True)

    def _lineage(self, *, has_failed: bool = False) -> OperatorLineage[Any, Any]:
        from airflow.providers.openlineage.extractors import OperatorLineage

        from sentiment_retrain.lineage import lineage
        from sentiment_retrain.lineage.facts import Facts

        facts = Facts(
            values={name: getattr(self, name, None) for name in self.template_fields},
            result=self.outcome.result,
            notes=self.outcome.notes,
            has_failed=has_failed,
        )
        told = lineage((one.__name__ for one in type(self).__mro__), facts)
        return OperatorLineage(
            inputs=told.inputs,
            outputs=told.outputs,
            run_facets=told.run_facets,
            job_facets=told.job_facets,
        )
