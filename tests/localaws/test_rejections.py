"""The rejection table: what AWS refuses is refused with its code, and what it accepts is accepted.

botocore's own checks are switched off, so that the service decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from real_aws import RealAws
from rejection_world import World
from rejections import (
    Case,
    automl,
    data_services,
    endpoints,
    models,
    monitoring,
    processing,
    registry,
    scaling,
    training,
    transforming,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AREAS = (
    *(automl, data_services, endpoints, models, monitoring),
    *(processing, registry, scaling, training, transforming),
)
SERVICES = {
    *("sagemaker", "sagemaker-runtime", "athena", "glue", "application-autoscaling", "cloudwatch"),
}
REFUSED = [case for area in AREAS for case in area.REFUSED]
ACCEPTED = [case for area in AREAS for case in area.ACCEPTED]


@pytest.fixture(scope="module")
def world(unchecked: Callable[[str], Any]) -> Iterator[World]:
    """The account of the table."""
    made = World(unchecked)
    yield made
    made.delete()


@pytest.mark.parametrize("case", REFUSED, ids=[case.name for case in REFUSED])
def test_what_aws_refuses_is_refused(world: World, case: Case) -> None:
    with pytest.raises(ClientError) as caught:
        world.send(case)
    error = caught.value.response["Error"]
    assert error["Code"] == case.code, f"{error} ({case.source})"
    assert world.filled(case.message) in error["Message"], case.source


@pytest.mark.parametrize("case", ACCEPTED, ids=[case.name for case in ACCEPTED])
def test_what_aws_accepts_is_accepted(world: World, case: Case, account: object) -> None:
    if isinstance(account, RealAws) and "@image" in str(case.request):
        pytest.skip("local only: names a container image that is in tests/localaws/images only")
    request, answer = world.send(case)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200, case.source
    world.undo(case, request)


def test_the_table_is_large_enough_and_every_case_has_a_name_and_a_source() -> None:
    assert len(REFUSED) >= 350
    assert len(ACCEPTED) >= 100
    names = [case.name for case in REFUSED + ACCEPTED]
    assert len(set(names)) == len(names)
    assert all(case.code and case.source for case in REFUSED)
    services = {case.service for case in REFUSED}
    assert services == SERVICES
