"""Categories as the CSV files of a bias analysis name them: so that no reader takes them for anything else.

SageMaker Clarify finds out a column's type from its cells. Where all are like "1.50" it is a measure, which
needs a threshold and fails the job, and so are whole numbers when many differ; "007" loses its zeros; "NA" is
a missing value.
"""

from __future__ import annotations

PREFIX = "category "
#: What pandas reads as missing or as a truth by default; what is a number, ``float`` tells.
_WORDS = frozenset(
    {"", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "1.#ind", "1.#qnan", "<na>", "n/a", "na", "null"}
    | {"none", "true", "false"}
)


def facet_name(category: str) -> str:
    """The category as it is, or with `PREFIX` before it where it would not be read as text."""
    return PREFIX + category if _is_ambiguous(category) else category


def category_of(name: str) -> str:
    """The category of a facet's name: ``category_of(facet_name(x)) == x``."""
    return name.removeprefix(PREFIX)


def _is_ambiguous(category: str) -> bool:
    if category.startswith(PREFIX) or category.lower() in _WORDS:
        return True
    try:
        float(category)
    except ValueError:
        return False
    return True
