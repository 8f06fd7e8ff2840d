"""No line of a job's log is lost or printed twice."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from sentiment_retrain.aws.job_log import JobLog


class Logs:
    """Stands for CloudWatch Logs: streams of lines, two lines a page."""

    def __init__(self) -> None:
        self.streams: dict[str, list[str]] = {}
        self.is_down = False

    def client(self, service: str) -> Logs:
        assert service == "logs"
        return self

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "describe_log_streams"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        if self.is_down:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeLogStreams")
        names = [name for name in self.streams if name.startswith(request["logStreamNamePrefix"])]
        return [{"logStreams": [{"logStreamName": name}]} for name in names]

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        lines = self.streams[request["logStreamName"]]
        if not request["startFromHead"]:
            return {"events": [{"message": line} for line in lines[-request["limit"] :]]}
        start = int(request.get("nextToken", 0))
        page = lines[start : start + 2]
        events = [{"message": f"{line}\n"} for line in page]
        return {"events": events, "nextForwardToken": str(start + len(page))}


def job_log(logs: Logs, maximum_lines: int = 100) -> JobLog:
    return JobLog(logs, "/aws/sagemaker/ProcessingJobs", "job", maximum_lines)  # type: ignore[arg-type]


def test_every_line_comes_once_whenever_it_was_written() -> None:
    logs = Logs()
    followed, seen = job_log(logs), list[str]()
    written = [str(number) for number in range(7)]
    for number in range(7):
        logs.streams.setdefault("job/one", []).append(written[number])
        logs.streams.setdefault("jobs-of-others/one", []).append("not ours")
        if number % 3 == 0:
            seen += followed.new_lines()
    logs.streams["job/two"] = ["late"]
    seen += followed.last_lines()
    assert seen == [*written, "late"]
    assert list(followed.last_lines()) == []


def test_an_outage_loses_no_line() -> None:
    logs = Logs()
    logs.streams["job/one"] = ["1", "2", "3"]
    followed = job_log(logs)
    logs.is_down = True
    assert list(followed.new_lines()) == []
    logs.is_down = False
    assert list(followed.new_lines()) == ["1", "2", "3"]


def test_a_cut_is_said_and_the_end_is_shown() -> None:
    logs = Logs()
    logs.streams["job/one"] = [str(number) for number in range(300)]
    lines = list(job_log(logs, maximum_lines=10).last_lines())
    assert lines[:10] == [str(number) for number in range(10)]
    assert "cut after 10 lines; all are in /aws/sagemaker/ProcessingJobs job/one" in lines[10]
    assert lines[-100:] == [str(number) for number in range(200, 300)]
