"""What of an error may leave the installation: never a line of a source file or of a job's output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException

from sentiment_retrain import errors

if TYPE_CHECKING:
    from sentiment_retrain.errors import RetrainError

#: What these observed may quote reviews.
_MAY_QUOTE = (errors.SourceError, errors.DataQualityError, errors.JobError)
WITHHELD = "not sent, because it may quote the data; the task's log has it"


def public_text(error: RetrainError) -> str:
    """The error's text, as in the log, without what may quote reviews."""
    if not isinstance(error, _MAY_QUOTE):
        return str(error)
    shown = type(error)(WITHHELD, error.expected, error.remedy)
    shown.code = error.code
    return str(shown)


def make_public(raised: BaseException, cause: RetrainError | None) -> None:
    """Let an exception that is about to be told of say what may be sent.

    The provider takes the text from the exception itself. Its log line has been written by then.

    :param cause: our error, of which Airflow's exception was made; None for one that nobody foresaw
    """
    if cause is not None:
        raised.args = (public_text(cause),)
    elif not isinstance(raised, AirflowException) and isinstance(raised, Exception):
        raised.args = (f"{type(raised).__name__}: {WITHHELD}",)
