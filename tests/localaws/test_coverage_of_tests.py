"""The tests themselves: what they did not call is found, and what runs on AWS is known.

That every operation was called is checked after all tests: tests/conftest.py.
"""

from __future__ import annotations

import exercised
import pytest
import real_aws


def test_an_operation_without_a_refusal_is_a_gap() -> None:
    everything = {key: {exercised.SUCCESS, exercised.FAILURE} for key in exercised.executed_operations()}
    assert len(everything) > 80
    assert exercised.gaps(everything) == []
    everything["sagemaker", "CreateModel"] = {exercised.SUCCESS}
    del everything["athena", "StartQueryExecution"]
    assert exercised.gaps(everything) == [
        "athena.StartQueryExecution: failure",
        "athena.StartQueryExecution: success",
        "sagemaker.CreateModel: failure",
    ]


def test_what_two_processes_saw_is_one() -> None:
    first = {("s3", "PutObject"): {exercised.SUCCESS}}
    second = {("s3", "PutObject"): {exercised.FAILURE}, ("glue", "GetTable"): {exercised.SUCCESS}}
    assert exercised.merged([exercised.packed(first), exercised.packed(second)]) == {
        ("s3", "PutObject"): {exercised.SUCCESS, exercised.FAILURE},
        ("glue", "GetTable"): {exercised.SUCCESS},
    }


@pytest.mark.parametrize(
    ("name", "fixtures", "local"),
    [
        ("test_models.py::test_a_missing_model_is_named[describe_model]", {"hosting", "aws"}, False),
        ("test_athena_sql.py::test_answers", {"aws"}, False),
        ("test_rejections.py::test_what_aws_refuses_is_refused[athena]", {"world", "unchecked"}, False),
        ("test_models.py::test_what_is_not_done_is_said[container0]", {"hosting", "aws"}, True),
        ("test_automl_requests.py::test_refused[NotImplementedException]", {"autopilot"}, True),
        ("test_training.py::test_a_failing_job_says_why", {"aws"}, True),
        ("test_endpoints.py::test_an_endpoint_serves_again_after_a_restart", {"own_stand_in"}, True),
        ("test_client_airflow.py::test_athena_operator[True]", {"aws_environment"}, True),
    ],
)
def test_what_cannot_run_on_aws_says_why(name: str, fixtures: set[str], local: bool) -> None:
    assert bool(real_aws.local_only_reason(name, fixtures)) == local
