"""Source reviews: read, judged row by row, and turned into the curated form of docs/contracts.md section 1.

A row is either accepted whole or refused with one reason; nothing is repaired by guessing.
:mod:`source_header` finds out how the file is laid out.
"""

from __future__ import annotations

import collections
import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sentiment_retrain.errors import NoUsableRow, SourceEmpty, SourceNotFound, SourceUnreadable
from sentiment_retrain.naming import PATH_FINGERPRINT_LENGTH, content_sha256
from sentiment_retrain.settings import load_settings
from sentiment_retrain.source_header import SourceHeader, decoded, find_header, records
from sentiment_retrain.text import fold_white_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from sentiment_retrain.settings import Settings

CURATED_COLUMNS = (
    "review_id",
    "review_body",
    "product_category",
    "sentiment",
    "star_rating",
    "source_sha256",
)
REFUSED_COLUMNS = ("row_number", "reason", "detail", "raw")

#: Why a row is refused, and what that means. The keys are in manifests, quarantine files and run cards.
REFUSAL_REASONS = {
    "malformed_row": "the row has another number of fields than the header",
    "bad_encoding": "the row is not UTF-8",
    "empty_text": "the review has no text",
    "too_short": "the review has fewer words than `text.minimum_words`",
    "too_long": "the review has more characters than `text.maximum_characters`",
    "missing_category": "the review has no product category",
    "missing_rating": "the review has no rating and no sentiment",
    "bad_rating": "the rating is not a number within the scale",
    "unknown_label": "the sentiment is none of -1, 0, 1, negative, neutral, positive",
    "duplicate_row": "an earlier row of the same file has the same text, category and sentiment",
}
_SENTIMENT_NAMES = {"negative": -1, "neutral": 0, "positive": 1, "-1": -1, "0": 0, "1": 1, "+1": 1}
#: How much of a file the quick look reads.
INSPECTED_BYTES = 4_000_000


class Review(NamedTuple):
    """An accepted row. ``rating`` is as delivered, NaN where the source has none."""

    row_number: int
    text: str
    category: str
    sentiment: int
    rating: float


class Refusal(NamedTuple):
    """A refused row: its number (1 is the first after the header), a key of REFUSAL_REASONS, and details."""

    row_number: int
    reason: str
    detail: str
    raw: str


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
    """What a quick look at a file saw: its columns, and how its first rows would fare."""

    path: Path
    header: SourceHeader
    rows_inspected: int
    rows_usable: int
    refused_by_reason: dict[str, int]
    whole_file: bool


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
    rows = list(judge_rows(text, header, settings))
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
    )


def judge_rows(text: str, header: SourceHeader, settings: Settings) -> Iterator[Review | Refusal]:
    """Every row after the header, judged, in order.

    :raises SourceUnreadable: when the text breaks off as CSV, e.g. at a quote that is never closed
    """
    seen: set[tuple[str, str, int]] = set()
    rows = records(text, header.delimiter)
    next(rows)
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            judged = _judge(number, row, header, settings)
            if isinstance(judged, Review):
                key = (fold_white_space(judged.text), judged.category, judged.sentiment)
                if key in seen:
                    judged = _refusal(number, "duplicate_row", judged.text[:80], row)
                seen.add(key)
            yield judged
    except csv.Error as error:
        raise SourceUnreadable(
            observed=f"row {number + 1}: {error}", expected="rows that can be read as delimited text"
        ) from error


def sentiment_of_rating(rating: float, kind: str, settings: Settings) -> int | None:
    """The sentiment of a rating of this ``kind`` (a field of SentimentRules), None outside its scale."""
    rule = getattr(settings.sentiment, kind)
    if not rule.minimum <= rating <= rule.maximum:
        return None
    if rating <= rule.negative_max:
        return -1
    return 1 if rating >= rule.positive_min else 0


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


def _judge(number: int, row: Sequence[str], header: SourceHeader, settings: Settings) -> Review | Refusal:
    """One row, judged by itself."""
    if len(row) != len(header.names):
        return _refusal(number, "malformed_row", f"{len(row)} fields, header has {len(header.names)}", row)
    if any("\udc80" <= character <= "\udcff" for cell in row if not cell.isascii() for character in cell):
        return _refusal(number, "bad_encoding", "bytes that are not UTF-8", row)
    values = {name: row[position].strip() for name, position in header.positions.items()}
    reason, detail = _text_problem(values, settings)
    if not reason and not values["product_category"]:
        reason, detail = "missing_category", ""
    if reason:
        return _refusal(number, reason, detail, row)
    rating, sentiment, reason = _label(values, header.label_field, settings)
    if sentiment is None:
        return _refusal(number, reason, values[header.label_field][:80], row)
    return Review(number, _body(values, settings), values["product_category"], sentiment, rating)


def _text_problem(values: dict[str, str], settings: Settings) -> tuple[str, str]:
    """``(reason, detail)`` when the review's text is not acceptable, else two empty strings."""
    text = values["review_body"]
    if not text:
        return "empty_text", ""
    if len(text) > settings.text.maximum_characters:
        return "too_long", f"{len(text)} characters"
    words = sum(any(character.isalnum() for character in word) for word in text.split())
    if words < settings.text.minimum_words:
        return "too_short", f"{words} words"
    return "", ""


def _label(values: dict[str, str], label_field: str, settings: Settings) -> tuple[float, int | None, str]:
    """``(rating or NaN, sentiment or None, reason of a refusal)`` of one row."""
    rating_field = next((name for name in ("star_rating", "mean_sentiment_rating") if name in values), "")
    rating = _number(values.get(rating_field, ""))
    if not values[label_field]:
        return rating, None, "missing_rating"
    if label_field == "sentiment":
        value = values["sentiment"].lower().removesuffix(".0")
        return rating, _SENTIMENT_NAMES.get(value), "unknown_label"
    sentiment = None if math.isnan(rating) else sentiment_of_rating(rating, label_field, settings)
    return rating, sentiment, "bad_rating"


def _number(text: str) -> float:
    """``text`` as a finite number, else NaN."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _body(values: dict[str, str], settings: Settings) -> str:
    title = values.get("title", "")
    if settings.text.join_title and title:
        return f"{title.rstrip('.')}. {values['review_body']}"
    return values["review_body"]


def _refusal(number: int, reason: str, detail: str, row: Sequence[str]) -> Refusal:
    raw = ",".join(f'"{cell}"' if "," in cell else cell for cell in row)[:2000]
    printable = raw.encode("utf-8", "backslashreplace").decode("utf-8")
    return Refusal(number, reason, detail.encode("utf-8", "backslashreplace").decode("utf-8"), printable)


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
