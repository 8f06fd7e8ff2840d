"""`make predict`: one review through the live endpoint, the way an application calls it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from launcher import card, localaws
from launcher.examples import newest_example
from launcher.failures import LauncherError, RefusedError

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.places import Places

WORDS = {-1: "negative", 0: "neutral", 1: "positive"}


class Prediction(NamedTuple):
    """The endpoint's answer to one review; `probabilities` by label."""

    label: int
    probability: float
    probabilities: dict[int, float]


def predict(places: Places, text: str, console: Console) -> None:
    """Print the sentiment of `text`, in words and number, with the probabilities.

    :raises RefusedError: no text, no endpoint
    """
    if not text.strip():
        raise RefusedError(
            "LOCAL_NO_TEXT", "TEXT is empty.", f"Type: make predict TEXT={newest_example(places)}"
        )
    server = localaws.require_running(places)
    document = json.loads(card.newest(places, server.url).read_text())
    endpoint = (document.get("endpoint") or {}).get("name")
    if not endpoint:
        raise RefusedError("LOCAL_NO_ENDPOINT", "the last run deployed no endpoint.", "Read `make report`.")
    prediction = invoke(localaws.client("sagemaker-runtime", server.url), endpoint, text)
    console.print(f"{WORDS[prediction.label]} ({prediction.label})", highlight=False)
    for label, probability in prediction.probabilities.items():
        console.print(
            f"  {WORDS[label]:<9} {probability:6.1%}  {'█' * round(probability * 30)}", highlight=False
        )


def invoke(runtime: Any, endpoint: str, text: str) -> Prediction:
    """Send one review as CSV to the endpoint.

    :param runtime: a boto3 client of `sagemaker-runtime`
    :raises LauncherError: the endpoint does not answer
    """
    request = io.StringIO()
    csv.writer(request, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow([text])
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="text/csv",
            Accept="text/csv",
            Body=request.getvalue().encode("utf-8"),
        )
    except ClientError as error:
        raise LauncherError(
            "LOCAL_ENDPOINT",
            f"the endpoint {endpoint} did not answer: {error}",
            "See `make status`; `make run` deploys again.",
        ) from error
    return parse(answer["Body"].read().decode("utf-8"))


def parse(line: str) -> Prediction:
    """The serving contract's answer: `predicted_label,probability,probabilities,labels`."""
    label, probability, probabilities, labels = next(csv.reader(io.StringIO(line)))
    by_label = zip(_list(labels), _list(probabilities), strict=True)
    return Prediction(int(label), float(probability), {int(name): float(share) for name, share in by_label})


def _list(cell: str) -> list[str]:
    """A list as the container writes it, `['-1', '0']` or `[0.1, 0.9]`, as strings."""
    return [item.strip().strip("'\"") for item in cell.strip("[] ").split(",")]
