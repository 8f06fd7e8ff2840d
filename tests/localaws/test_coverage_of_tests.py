"""The tests themselves: every operation has a success and a failure, and what runs on AWS is known."""

from __future__ import annotations

import exercised
import pytest
import real_aws


def test_every_executed_operation_succeeded_and_failed_once(request: pytest.FixtureRequest) -> None:
    if not request.getfixturevalue("whole_suite"):
        pytest.skip("only part of tests/localaws was selected")
    assert exercised.gaps() == []


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
