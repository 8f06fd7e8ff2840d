"""What a builder of lineage gets, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import JobFacet, RunFacet


@dataclass(frozen=True)
class Facts:
    """What is known of a task when an event of it is sent.

    :param values: the operator's template fields, rendered: the outputs of the tasks before it
    :param result: what the task hands on (docs/contracts.md section 2), or had found out when it failed; None
        before that
    :param notes: what the operator noted besides
    :param has_failed: whether the task failed
    """

    values: Mapping[str, Any]
    result: Mapping[str, Any] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    has_failed: bool = False

    @property
    def run(self) -> Mapping[str, Any]:
        """Output of ``plan``."""
        return self.values.get("run") or {}

    def __getitem__(self, field_name: str) -> Mapping[str, Any]:
        """A template field; empty where the task before it handed nothing on."""
        return self.values.get(field_name) or {}

    @property
    def made(self) -> Mapping[str, Any]:
        """The result of a task that succeeded; empty otherwise."""
        return {} if self.has_failed else self.result or {}

    @property
    def found(self) -> Mapping[str, Any]:
        """The result, as far as the task got."""
        return self.result or {}


@dataclass(frozen=True)
class Told:
    """What is told of a task."""

    inputs: list[InputDataset] = field(default_factory=list)
    outputs: list[OutputDataset] = field(default_factory=list)
    run_facets: dict[str, RunFacet] = field(default_factory=dict)
    job_facets: dict[str, JobFacet] = field(default_factory=dict)


NOTHING = Told()
