"""The form of the configuration: what may be set, its type and its limits.

Values and the reasons for them are in ``include/config/*.yaml``; this file has defaults only where leaving a
key out has an obvious meaning. All models are frozen and refuse unknown keys, so that a typing mistake is an
error and not a silently ignored wish.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from sentiment_retrain.error_base import RUNBOOK
from sentiment_retrain.settings.base import (
    BucketName,
    Frozen,
    ImageUri,
    NonNegativeFloat,
    PositiveFloat,
    ReuseScope,
    RoleArn,
    S3Uri,
    Share,
)
from sentiment_retrain.settings.deployment import Approval, Deployment
from sentiment_retrain.settings.gates import Gates
from sentiment_retrain.settings.notifications import Notifications

Contender = Literal["autopilot", "blazingtext"]
InstanceType = Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")]
# What Glue and Athena take unquoted; a query never holds a name of another form.
CatalogName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,127}$")]
# https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroup.html
WorkGroupName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,128}$")]
# An entry's anchor is added to it.
RunbookUrl = Annotated[str, Field(pattern=r"^(https?://[^\s#]+|[^\s#:]+)$")]
Metric = Literal["macro_f1", "balanced_accuracy", "accuracy"]


class Columns(Frozen):
    """For each field of a review, the header names under which a source may deliver it, best first."""

    review_body: tuple[str, ...] = Field(min_length=1)
    product_category: tuple[str, ...] = Field(min_length=1)
    sentiment: tuple[str, ...] = ()
    star_rating: tuple[str, ...] = ()
    mean_sentiment_rating: tuple[str, ...] = ()
    title: tuple[str, ...] = ()


class SentimentRule(Frozen):
    """A rating as a sentiment: at or below ``negative_max`` -1, at or above ``positive_min`` 1, else 0."""

    minimum: float
    maximum: float
    negative_max: float
    positive_min: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.minimum <= self.negative_max < self.positive_min <= self.maximum:
            raise ValueError("use minimum <= negative_max < positive_min <= maximum")
        return self


class SentimentRules(Frozen):
    """The rule for each kind of rating."""

    star_rating: SentimentRule
    mean_sentiment_rating: SentimentRule


class ReviewText(Frozen):
    """Which review texts are accepted."""

    minimum_words: PositiveInt
    maximum_characters: PositiveInt
    join_title: bool = False


class Datasets(Frozen):
    """How reviews are split and balanced."""

    validation_fraction: Share
    test_fraction: Share
    salt: str = Field(min_length=1)
    seed: int
    maximum_class_ratio: Annotated[float, Field(ge=1)] | None
    repeated_class_ratio: Annotated[float, Field(ge=1)] | None = None
    minimum_rows: PositiveInt
    minimum_test_rows_per_class: PositiveInt
    maximum_train_rows_per_class: PositiveInt | None = None
    maximum_test_rows: PositiveInt | None = None
    shap_rows: PositiveInt

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Self:
        if self.validation_fraction + self.test_fraction >= 0.9:
            raise ValueError(
                "use validation_fraction + test_fraction below 0.9, or nothing is left to train on"
            )
        return self


class Instances(Frozen):
    """The machines of one job."""

    instance_type: InstanceType = Field(description="The machine; needs a price in prices.yaml.")
    instance_count: PositiveInt = Field(default=1, description="How many of them.")
    volume_gb: PositiveInt = Field(default=30, description="Disk of each.")
    max_runtime_seconds: PositiveInt = Field(
        description="AWS stops the job after that; the cost bound of a run assumes that it takes so long."
    )
    fallback_instance_types: tuple[InstanceType, ...] = Field(
        default=(), description="Tried in this order where instance_type cannot be had."
    )


class Analysis(Instances):
    """Bias and SHAP jobs."""

    engine: Literal["clarify", "analyzer"]
    image_uri: ImageUri | None = None
    facet: str
    group: str | None
    positive_label: Literal[-1, 0, 1]
    sample_rows: PositiveInt = 2000
    shap_samples: PositiveInt
    shap_baseline: str
    shap_granularity: Literal["token", "sentence", "paragraph"]
    shap_language: str
    seed: int


class Autopilot(Frozen):
    """The AutoML job; ``instance_type`` is only what its cost is estimated with, AWS chooses its machines."""

    max_candidates: Annotated[int, Field(ge=1, le=750)]
    max_runtime_per_training_job_seconds: PositiveInt
    max_runtime_seconds: PositiveInt
    objective: Literal["Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"]
    mode: Literal["HYPERPARAMETER_TUNING", "ENSEMBLING", "AUTO"]
    instance_type: InstanceType


class BlazingText(Instances):
    """The BlazingText training job. Hyperparameters go over the wire as strings."""

    hyperparameters: dict[str, str | int | float | bool]

    def wire_hyperparameters(self) -> dict[str, str]:
        """Hyperparameters as the API takes them: booleans as ``True`` or ``False``, all strings."""
        return {name: str(value) for name, value in self.hyperparameters.items()}


class Transform(Instances):
    """Batch transform jobs: contenders and champion are scored by these."""

    max_payload_mb: PositiveInt


class Jobs(Frozen):
    """Machines and limits of every remote job."""

    analysis: Analysis
    autopilot: Autopilot
    blazingtext: BlazingText
    transform: Transform


class Selection(Frozen):
    """When a contender wins, and when it replaces the champion."""

    metric: Metric
    minimum_improvement: NonNegativeFloat
    require_significance: bool
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    bootstrap_samples: Annotated[int, Field(ge=200)]
    tie_margin: NonNegativeFloat
    seed: int


class Reuse(Frozen):
    """Whose finished jobs may be used again, and until what age."""

    max_age_days: PositiveFloat | None = Field(
        default=None, description="Older results are made anew; null: of any age."
    )
    scope: ReuseScope = Field(
        default="any",
        description="Whose results count: of any run, of runs of the same day, of the run alone.",
    )


class RunDefaults(Frozen):
    """What the DAG's parameters are when nobody says otherwise."""

    contenders: tuple[Contender, ...] = Field(min_length=1)
    deploy: Literal["auto", "never", "force"]
    approval: Literal["auto", "manual"]
    predict: Literal["never", "auto", "always"] = "never"
    reuse: bool | Reuse
    budget_usd: PositiveFloat

    @field_validator("contenders")
    @classmethod
    def _no_repetition(cls, value: tuple[Contender, ...]) -> tuple[Contender, ...]:
        if len(set(value)) < len(value):
            raise ValueError("use each contender once")
        return value


class Prices(Frozen):
    """On-demand prices in US dollars: include/config/prices.yaml."""

    as_of: str
    region: str
    instance_hour: dict[str, PositiveFloat]
    athena_terabyte: NonNegativeFloat
    athena_minimum_bytes: int


class GoldenRequest(Frozen):
    """A review whose sentiment nobody disputes."""

    text: str = Field(min_length=1)
    expected: Literal[-1, 0, 1]
    why: str = ""


class Settings(Frozen):
    """The whole configuration, as :func:`sentiment_retrain.settings.load_settings` gives it."""

    schedule: str = Field(min_length=1)
    prefix: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=24)
    bucket: BucketName | None = None
    role_arn: RoleArn | None = None
    model_role_arn: RoleArn | None = None
    database: CatalogName
    table: CatalogName
    raw_table: CatalogName
    workgroup: WorkGroupName
    endpoint_name: str = Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")
    model_package_group: str = Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")
    runbook_url: RunbookUrl = RUNBOOK
    source_uri: S3Uri | None = None
    window_days: PositiveInt
    columns: Columns
    sentiment: SentimentRules
    text: ReviewText
    datasets: Datasets
    jobs: Jobs
    deployment: Deployment
    approval: Approval
    notifications: Notifications = Notifications()
    selection: Selection
    defaults: RunDefaults
    poll_seconds: PositiveFloat
    short_wait_seconds: NonNegativeFloat = 0
    job_pool: Annotated[str, Field(min_length=1, max_length=256)] = "default_pool"
    deploy_timeout_seconds: PositiveInt
    query_timeout_seconds: PositiveInt
    gates: Gates
    prices: Prices
    golden_requests: tuple[GoldenRequest, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _serverless_takes_one_container(self) -> Self:
        """AWS serves no inference pipeline without servers; refused before anything is trained for it."""
        of_three = "blazingtext" in self.defaults.contenders or self.jobs.autopilot.mode != "ENSEMBLING"
        if self.deployment.serverless and of_three:
            raise ValueError(
                "deployment.serverless takes models of one container only: use defaults.contenders: "
                "[autopilot] with jobs.autopilot.mode: ENSEMBLING, or instances"
            )
        return self
