"""The one text normalisation, of which training and serving use the same file.

It lives with the serving containers (``include/containers/adapter/text_normalization.py``) because it is
packed into the model's archive; here it is loaded from there by path, so there is no second copy to go out
of step.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING

from sentiment_retrain.errors import ConfigError
from sentiment_retrain.settings import include_directory

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def normalization_path() -> Path:
    """The file that makes BlazingText tokens; its bytes belong into the fingerprint of a dataset."""
    return include_directory() / "containers" / "adapter" / "text_normalization.py"


def normalize(text: str) -> str:
    """``text`` as BlazingText tokens separated by single spaces; never empty, idempotent."""
    return str(_module().normalize(text))


def fold_white_space(text: str) -> str:
    """``text`` with line breaks and runs of white space folded into one space, ends trimmed."""
    return str(_module().fold_white_space(text))


@functools.lru_cache(maxsize=1)
def _module() -> ModuleType:
    path = normalization_path()
    spec = importlib.util.spec_from_file_location("sentiment_retrain_text_normalization", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(
            observed=f"no text normalisation at {path}",
            expected="the file that the serving containers use",
            remedy="Copy include/containers/ together with include/config/.",
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
