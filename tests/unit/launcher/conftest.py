"""Places of a test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from launcher.places import Places

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """An installation under the test's temporary directory."""
    return Places(tmp_path / "local")
