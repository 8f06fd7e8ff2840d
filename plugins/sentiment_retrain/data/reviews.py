"""Source reviews: read, judged row by row, and turned into the curated form of docs/contracts.md section 1.

A row is either accepted whole or refused with one reason; nothing is repaired by guessing.
:mod:`source_header` finds out how the file is laid out, :mod:`review_rows` judges a row.
"""

from __future__ import annotations

import collections
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment_retrain.data.balancing import LABELS
from sentiment_retrain.data.review_rows import REFUSAL_REASONS as REFUSAL_REASONS
from sentiment_retrain.data.review_rows import Refusal, Review, judge_rows
from sentiment_retrain.data.source_header import SourceHeader, decoded, find_header
from sentiment_retrain.data.text import fold_white_space
from sentiment_retrain.errors import NoUsableRow, SourceEmpty, SourceNotFound, SourceUnreadable, TooFewRows
from sentiment_retrain.naming import PATH_FINGERPRINT_LENGTH, content_sha256
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from sentiment_retrain.settings import Settings
    from sentiment_retrain.settings.schema import Datasets as DatasetSettings

CURATED_COLUMNS = (
    "review_id",
    "review_body",
    "product_category",
    "sentiment",
    "star_rating",
    "source_sha256",
)
REFUSED_COLUMNS = ("row_number", "reason", "detail", "raw")

#: How much of a file the quick look reads.
INSPECTED_BYTES = 4_000_000


@dataclass(frozen=True)
class ParsedReviews:
    """A source object, judged.

    :param accepted: frame with CURATED_COLUMNS
    :param refused: frame with REFUSED_COLUMNS
    :param refused_by_reason: rows by reason, the most frequent first
    """

    accepted: pd.DataFrame
    refused: pd.DataFrame
    refused_by_reason: dict[str, int]
    header: SourceHeader

    @property
    def rows_accepted(self) -> int:
        """Rows that went on."""
        return len(self.accepted)

    @property
    def rows_refused(self) -> int:
        """Rows that went into quarantine."""
        return len(self.refused)

    @property
    def rows_received(self) -> int:
        """Rows of the file, without its header and blank lines."""
        return self.rows_accepted + self.rows_refused


@dataclass(frozen=True)
class SourceSummary:
    """What a quick look at a file saw: its columns, and how its first rows would fare.

    :param rows_by_sentiment: usable rows of each sentiment, 0 where there are none
    """

    path: Path
    header: SourceHeader
    rows_inspected: int
    rows_usable: int
    refused_by_reason: dict[str, int]
    whole_file: bool
    distinct_texts: int
    rows_by_sentiment: Mapping[int, int]


def parse_reviews(content: bytes, settings: Settings, source_sha256: str | None = None) -> ParsedReviews:
    """A source object's bytes as accepted and refused rows.

    :param source_sha256: 64 hex digits, computed when not given
    :raises SourceError: empty, unreadable, a column missing, no usable row
    """
    import pandas as pd

    digest = source_sha256 or content_sha256(content)
    text = decoded(content)
    header = find_header(text, settings.columns)
    judged = _Judged.of(judge_rows(text, header, settings))
    _require_usable(judged, whole_file=True)
    accepted = pd.DataFrame(
        {
            "review_id": [
                f"{digest[:PATH_FINGERPRINT_LENGTH]}-{review.row_number:07d}" for review in judged.reviews
            ],
            "review_body": [review.text for review in judged.reviews],
            "product_category": [review.category for review in judged.reviews],
            "sentiment": pd.array([review.sentiment for review in judged.reviews], dtype="int32"),
            "star_rating": pd.array([review.rating for review in judged.reviews], dtype="float64"),
            "source_sha256": digest,
        },
        columns=list(CURATED_COLUMNS),
    )
    refused = pd.DataFrame(judged.refusals, columns=list(REFUSED_COLUMNS))
    return ParsedReviews(accepted, refused, judged.refused_by_reason(), header)


def inspect_source(path: Path | str, settings: Settings | None = None) -> SourceSummary:
    """A quick look at a local file before anything starts: is it there, readable, and of any use?

    Reads at most the first INSPECTED_BYTES, without pandas.

    :raises SourceError: what :func:`parse_reviews` would raise, as far as the part that was read can show
    """
    path = Path(path)
    settings = settings or load_settings()
    content, whole_file = _first_bytes(path)
    text = decoded(content)
    header = find_header(text, settings.columns)
    rows = list(judge_rows(text, header, settings, whole=whole_file))
    # The last row of a part may be cut in the middle.
    judged = _Judged.of(rows if whole_file else rows[:-1])
    _require_usable(judged, whole_file)
    return SourceSummary(
        path=path,
        header=header,
        rows_inspected=len(judged.reviews) + len(judged.refusals),
        rows_usable=len(judged.reviews),
        refused_by_reason=judged.refused_by_reason(),
        whole_file=whole_file,
        distinct_texts=len({fold_white_space(review.text) for review in judged.reviews}),
        rows_by_sentiment=collections.Counter(review.sentiment for review in judged.reviews),
    )


def require_enough(seen: SourceSummary, rules: DatasetSettings) -> None:
    """Refuse a file that is too small for a run on it alone, whichever side each of its reviews comes to.

    :raises TooFewRows: fewer texts than the datasets need, or too few of a sentiment once balanced
    """
    if not seen.whole_file:
        return
    if seen.distinct_texts < rules.minimum_rows:
        raise TooFewRows(
            observed=f"{seen.path.name} has {seen.distinct_texts} distinct texts that can be used",
            expected=f"more than {rules.minimum_rows} (`datasets.minimum_rows`), as a part is for the test",
            remedy="Name a file with more reviews: docs/your-data.md says how many there should be.",
        )
    counts = {label: seen.rows_by_sentiment.get(label, 0) for label in LABELS}
    rarest = min(counts, key=counts.__getitem__)
    most = math.inf if rules.maximum_class_ratio is None else rules.maximum_class_ratio * counts[rarest]
    balanced = sum(min(count, most) for count in counts.values())
    if balanced < rules.minimum_rows or counts[rarest] < rules.minimum_test_rows_per_class:
        raise TooFewRows(
            observed=f"{seen.path.name} has {counts[rarest]} reviews of sentiment {rarest} "
            f"that can be used, which leaves {balanced:.0f} rows after balancing",
            expected=f"more than {rules.minimum_rows} rows (`datasets.minimum_rows`, "
            f"`datasets.maximum_class_ratio`), {rules.minimum_test_rows_per_class} of each to test on",
            remedy="Add reviews of this sentiment, or correct `sentiment`, by which ratings are read.",
        )


@dataclass
class _Judged:
    reviews: list[Review] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[Review | Refusal]) -> _Judged:
        judged = cls()
        for row in rows:
            if isinstance(row, Review):
                judged.reviews.append(row)
            else:
                judged.refusals.append(row)
        return judged

    def refused_by_reason(self) -> dict[str, int]:
        return dict(collections.Counter(refusal.reason for refusal in self.refusals).most_common())


def _require_usable(judged: _Judged, whole_file: bool) -> None:
    """:raises SourceError: when there is no row at all, or none that can be used."""
    if judged.reviews:
        return
    if not judged.refusals:
        if whole_file:
            raise SourceEmpty(observed="a header and no row", expected="at least one review")
        return
    counts = ", ".join(f"{reason}: {count}" for reason, count in judged.refused_by_reason().items())
    first = judged.refusals[0]
    raise NoUsableRow(
        observed=f"{len(judged.refusals)} rows, all refused ({counts})\n"
        f"for example row {first.row_number}, {first.reason} {first.detail!r}: {first.raw[:160]}",
        expected="at least one row with a text, a category and a rating or sentiment",
    )


def _first_bytes(path: Path) -> tuple[bytes, bool]:
    """The file's first bytes, and whether that is all of it."""
    try:
        with path.open("rb") as file:
            content = file.read(INSPECTED_BYTES + 1)
    except FileNotFoundError as error:
        raise SourceNotFound(observed=f"no file {path}", expected="a CSV file of reviews") from error
    except OSError as error:
        raise SourceUnreadable(
            observed=f"{path}: {error.strerror}",
            expected="a readable CSV file of reviews",
            remedy="Name one file, and check that it may be read.",
        ) from error
    if len(content) <= INSPECTED_BYTES:
        return content, True
    # Cut at a line's end, so that no character is cut in two.
    return content[: content.rfind(b"\n") + 1], False
