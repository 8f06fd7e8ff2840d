"""The form of ``deployment`` and ``approval`` in ``include/config/retrain.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from sentiment_retrain.settings.base import Frozen, KmsKey, PositiveFloat, ResourceId, S3Uri

Waiting = Annotated[int, Field(ge=0, le=3600)]


class Autoscaling(Frozen):
    """Target tracking on invocations an instance and minute."""

    minimum: PositiveInt = Field(description="Fewest instances.")
    maximum: PositiveInt = Field(description="Most instances.")
    target_invocations: PositiveFloat = Field(description="Requests an instance and minute to aim at.")
    scale_in_seconds: PositiveInt = Field(description="Least time between two steps down.")
    scale_out_seconds: PositiveInt = Field(description="Least time between two steps up.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("use minimum <= maximum")
        return self


class Alarms(Frozen):
    """What rolls a deployment back while both fleets take traffic; None leaves one out.

    :param existing: names of alarms that somebody else keeps, e.g. on the business behind the endpoint
    """

    maximum_error_share: Annotated[float, Field(gt=0, lt=1)] | None
    maximum_latency_ms: PositiveFloat | None
    latency_percentile: Annotated[float, Field(ge=50, lt=100)]
    quality: bool
    existing: tuple[str, ...] = Field(default=(), max_length=6)


class DataCapture(Frozen):
    """Requests and answers, kept in S3; ``destination_uri`` None is ``capture/`` of the bucket."""

    sampling_percent: Annotated[int, Field(ge=1, le=100)] = Field(description="Share of the requests kept.")
    destination_uri: S3Uri | None = Field(
        default=None, description="Where they are kept; null: capture/ of the bucket."
    )


class Vpc(Frozen):
    """The network that the model's containers are put into."""

    subnets: tuple[ResourceId, ...] = Field(min_length=1, max_length=16, description="Their ids.")
    security_group_ids: tuple[ResourceId, ...] = Field(min_length=1, max_length=5, description="Their ids.")


class Serverless(Frozen):
    """Pay by request instead of by instance."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(description="Of the container.")
    maximum_concurrency: Annotated[int, Field(ge=1, le=200)] = Field(description="Requests at a time.")
    provisioned_concurrency: Annotated[int, Field(ge=1, le=200)] | None = Field(
        default=None, description="Kept warm, and paid for; null: none."
    )


class Deployment(Frozen):
    """How the winner is put into service."""

    instance_type: str = Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")
    instance_count: PositiveInt
    strategy: Literal["all_at_once", "canary", "linear"]
    canary_percent: Annotated[int, Field(ge=5, le=50)]
    bake_seconds: Waiting
    termination_wait_seconds: Waiting
    max_execution_seconds: Annotated[int, Field(ge=600, le=28800)]
    alarms: Alarms
    keep: Annotated[int, Field(ge=2)]
    autoscaling: Autoscaling | None = None
    data_capture: DataCapture | None = None
    shadow: bool = False
    serverless: Serverless | None = None
    kms_key_id: KmsKey | None = None
    vpc: Vpc | None = None
    network_isolation: bool = False
    tags: dict[str, str] = Field(default_factory=dict, max_length=40)

    @model_validator(mode="after")
    def _waits_fit(self) -> Self:
        if self.strategy == "linear" and self.canary_percent < 10:
            raise ValueError("use canary_percent of 10 to 50 with strategy: linear")
        if self.max_execution_seconds <= self.waiting_seconds:
            raise ValueError(
                f"use max_execution_seconds above the {self.waiting_seconds} s that the steps wait together"
            )
        return self

    @model_validator(mode="after")
    def _serverless_goes_alone(self) -> Self:
        unsupported = ("autoscaling", "data_capture", "shadow", "vpc", "network_isolation", "kms_key_id")
        together = [name for name in unsupported if self.serverless and getattr(self, name)]
        if together:
            raise ValueError(
                f"use serverless without {', '.join(together)}: AWS does not offer them together"
            )
        return self

    @property
    def waiting_seconds(self) -> int:
        """Seconds that an update waits at its steps and for the old fleet's end."""
        steps = {"all_at_once": 1, "canary": 2, "linear": -(-100 // self.canary_percent)}
        return steps[self.strategy] * self.bake_seconds + self.termination_wait_seconds


class Approval(Frozen):
    """How long a manual approval is waited for, and how often somebody is reminded of it.

    :param topic_arn: SNS topic that is told of the question and reminded; None: only the task's log
    """

    deadline_hours: PositiveFloat
    reminder_hours: PositiveFloat
    topic_arn: str | None = Field(default=None, pattern=r"^arn:")
