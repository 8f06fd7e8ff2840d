"""One source row at a time: accepted as a review, or refused with one reason."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, NamedTuple

from sentiment_retrain.data.source_header import records
from sentiment_retrain.data.text import fold_white_space
from sentiment_retrain.errors import SourceUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sentiment_retrain.data.source_header import SourceHeader
    from sentiment_retrain.settings import Settings

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
#: How much of a refused row is kept: enough to find and correct it.
_RAW_CHARACTERS = 2000
_SENTIMENT_NAMES = {"negative": -1, "neutral": 0, "positive": 1, "-1": -1, "0": 0, "1": 1, "+1": 1}


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


def judge_rows(
    text: str, header: SourceHeader, settings: Settings, *, whole: bool = True
) -> Iterator[Review | Refusal]:
    """Every row after the header, judged, in order.

    :param whole: False for the beginning of a file, whose last row may be cut
    :raises SourceUnreadable: when the text breaks off as CSV, e.g. at a quote that is never closed
    """
    seen: set[tuple[str, str, int]] = set()
    rows = records(text, header.delimiter, whole=whole)
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
            observed=f"row {number + 1}: {error}",
            expected="rows that can be read as delimited text",
            remedy="Correct the quoting of that row in the file, or of the export that wrote it.",
        ) from error


def sentiment_of_rating(rating: float, kind: str, settings: Settings) -> int | None:
    """The sentiment of a rating of this ``kind`` (a field of SentimentRules), None outside its scale."""
    rule = getattr(settings.sentiment, kind)
    if not rule.minimum <= rating <= rule.maximum:
        return None
    if rating <= rule.negative_max:
        return -1
    return 1 if rating >= rule.positive_min else 0


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
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(row)
    return Refusal(number, reason, _printable(detail), _printable(buffer.getvalue()[:_RAW_CHARACTERS]))


def _printable(text: str) -> str:
    """``text`` with the bytes that were not UTF-8 as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
