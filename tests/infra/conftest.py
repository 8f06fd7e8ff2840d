"""What the tests of infrastructure share."""

from __future__ import annotations

import pytest

from .template import Template


@pytest.fixture(scope="session")
def template() -> Template:
    """The shipped template."""
    return Template()
