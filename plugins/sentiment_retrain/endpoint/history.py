"""What was live before and what is to replace it, as tags of the endpoint.

Before an update they are written, so that a task that dies in the middle leaves the way back. An update that
was rolled back has ``updating-from`` name what is live, and then the older tag is the one that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentiment_retrain.aws.jobs import as_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.aws.hooks import Aws

PREVIOUS_TAG = "retrain:previous-config"
UPDATING_TAG = "retrain:updating-from"
TARGET_TAG = "retrain:updating-to"
UNVERIFIED_TAG = "retrain:unverified-config"
#: Of these, the configuration whose verification came to no end.
UNDECIDED_TAG = "retrain:undecided-config"


def previous_config(tags: Mapping[str, str], current: str) -> str | None:
    """The endpoint configuration that was live before ``current``."""
    candidates = (tags.get(UPDATING_TAG), tags.get(PREVIOUS_TAG))
    return next((name for name in candidates if name and name != current), None)


def remember(aws: Aws, endpoint_arn: str, current: str, target: str, more: list[dict[str, str]]) -> None:
    """Note before an update to ``target`` that ``current`` is the way back; ``more`` are further tags."""
    earlier = previous_config(aws.tags(endpoint_arn), current)
    own = {UPDATING_TAG: current, TARGET_TAG: target} | ({PREVIOUS_TAG: earlier} if earlier else {})
    aws.sagemaker("add_tags", ResourceArn=endpoint_arn, Tags=[*more, *as_tags(own)])


def undo(aws: Aws, endpoint_arn: str, serving: str, earlier: str | None) -> None:
    """Note that ``serving`` is live again, by the undoing of an update.

    The way back is the one that was known before: no rollback leads to what was just taken off.

    :param earlier: the configuration that was live before ``serving``, None where there was none
    """
    tags = {UPDATING_TAG: serving, PREVIOUS_TAG: earlier or ""}
    aws.sagemaker("add_tags", ResourceArn=endpoint_arn, Tags=as_tags(tags))


def mark_unverified(aws: Aws, endpoint_arn: str, config: str, *, is_undecided: bool = False) -> None:
    """Note that ``config`` is live although it failed its verification.

    :param is_undecided: it did not fail: its verification came to no end
    """
    tags = {UNVERIFIED_TAG: config, UNDECIDED_TAG: config if is_undecided else ""}
    aws.sagemaker("add_tags", ResourceArn=endpoint_arn, Tags=as_tags(tags))


def mark_verified(aws: Aws, endpoint_arn: str) -> None:
    """Take such a note back, if there is one."""
    if aws.tags(endpoint_arn).get(UNVERIFIED_TAG):
        aws.add_tag(endpoint_arn, UNVERIFIED_TAG, "")


def is_unverified(tags: Mapping[str, str], config: str) -> bool:
    """Whether ``config`` is live without ever having been verified."""
    return tags.get(UNVERIFIED_TAG) == config


def is_undecided(tags: Mapping[str, str], config: str) -> bool:
    """Whether ``config`` is unverified because its verification came to no end, and not because it failed."""
    return is_unverified(tags, config) and tags.get(UNDECIDED_TAG) == config
