"""The stand-in of the tests of infrastructure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# The stand-in's starter belongs to the conformance tests, which are not a package.
sys.path.insert(0, str(Path(__file__).parents[1] / "localaws"))
from stand_in import StandIn

from .template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One stand-in for all tests of infrastructure."""
    running = StandIn(tmp_path_factory.mktemp("infra") / "state")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def template() -> Template:
    """The shipped template."""
    return Template()
