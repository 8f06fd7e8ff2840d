"""What all settings are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
# The forms that AWS gives its names; no path, query or template has one of them.
BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,61}[a-z0-9]$")]
S3Uri = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]*(/[^\x00-\x1f]*)?$")]
RoleArn = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$")]
ImageUri = Annotated[str, Field(pattern=r"^[a-z0-9][a-zA-Z0-9._:/@-]*$")]
KmsKey = Annotated[
    str,
    Field(
        pattern=r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[\w/-]+|alias/[\w/-]+|[a-z0-9-]{8,64})$"
    ),
]
ResourceId = Annotated[str, Field(pattern=r"^[a-zA-Z0-9-]+$")]
#: Whose finished jobs may be used again; docs/job-life.md.
ReuseScope = Literal["any", "same_day", "run"]


class Frozen(BaseModel):
    """Base of all settings: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
