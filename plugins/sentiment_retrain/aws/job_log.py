"""What a job's containers write, line by line, while it runs and after."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentiment_retrain.aws.hooks import Aws

log = logging.getLogger(__name__)

#: A job that writes more is cut: a task log of hundreds of megabytes helps nobody.
MAXIMUM_LINES = 10_000
TAIL_LINES = 100


class JobLog:
    """Follows all log streams of one job, each from where it was last read.

    :param log_group: CloudWatch log group of the kind of job, None when it has none
    :param job: the job's name, which its streams begin with
    """

    def __init__(self, aws: Aws, log_group: str | None, job: str, maximum_lines: int = MAXIMUM_LINES) -> None:
        self.aws = aws
        self.log_group = log_group
        self.job = job
        self.maximum_lines = maximum_lines
        self._tokens: dict[str, str] = {}
        self._count = 0
        self._is_cut = False

    def new_lines(self) -> Iterator[str]:
        """Every line since the last call, none twice; nothing while CloudWatch does not answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for stream in self._streams():
                for line in self._new_events(stream):
                    if self._count >= self.maximum_lines:
                        if not self._is_cut:
                            self._is_cut = True
                            yield f"... cut after {self._count} lines; all are in {self.log_group} {stream}"
                        return
                    self._count += 1
                    yield line
        except (BotoCoreError, ClientError) as error:
            # A job must not fail because its log cannot be read; the next call goes on where this one broke.
            # Before its first line a job has no log.
            is_young = (
                getattr(error, "response", {}).get("Error", {}).get("Code") == "ResourceNotFoundException"
            )
            log.log(logging.DEBUG if is_young else logging.INFO, "no log lines of %s: %s", self.job, error)

    def last_lines(self) -> Iterator[str]:
        """The rest of the log; of a log that was cut its end, because that is where a failure is told."""
        yield from self.new_lines()
        if self._is_cut:
            yield f"... the last {TAIL_LINES} lines of each container:"
            yield from self._tail()

    def _streams(self) -> list[str]:
        if self.log_group is None:
            return []
        pages = self.aws.client("logs").get_paginator("describe_log_streams")
        found = pages.paginate(logGroupName=self.log_group, logStreamNamePrefix=f"{self.job}/")
        return [stream["logStreamName"] for page in found for stream in page["logStreams"]]

    def _new_events(self, stream: str) -> Iterator[str]:
        """Lines of one stream after its token, which moves only once a page was handed on."""
        while True:
            token = self._tokens.get(stream)
            request: dict[str, Any] = {"nextToken": token} if token else {}
            page = self.aws.client("logs").get_log_events(
                logGroupName=self.log_group, logStreamName=stream, startFromHead=True, **request
            )
            for event in page["events"]:
                yield event["message"].rstrip("\n")
            self._tokens[stream] = page["nextForwardToken"]
            # CloudWatch says the end of a stream by giving the token back that it was asked with.
            if page["nextForwardToken"] == token:
                return

    def _tail(self) -> Iterator[str]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for stream in self._streams():
                page = self.aws.client("logs").get_log_events(
                    logGroupName=self.log_group, logStreamName=stream, limit=TAIL_LINES, startFromHead=False
                )
                yield from (event["message"].rstrip("\n") for event in page["events"])
        except (BotoCoreError, ClientError) as error:
            log.info("no last log lines of %s: %s", self.job, error)
