from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from rich.console import Console

from launcher import status
from launcher.failures import LauncherError, RefusedError
from launcher.predict import Prediction, invoke, parse, predict
from launcher.status import State
from sentiment_retrain.endpoint.live import Live
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from launcher.places import Places

ANSWER = "1,0.91,\"[0.02, 0.07, 0.91]\",\"['-1', '0', '1']\"\n"
EXPECTED = Prediction(1, 0.91, {-1: 0.02, 0: 0.07, 1: 0.91})


@pytest.mark.parametrize("labels", ["['-1', '0', '1']", '[""-1"", ""0"", ""1""]', "[-1, 0, 1]"])
def test_the_answer_is_read_however_the_container_writes_its_labels(labels: str) -> None:
    assert parse(f'1,0.91,"[0.02, 0.07, 0.91]","{labels}"') == EXPECTED


def test_a_review_with_quotes_line_breaks_and_commas_is_one_csv_row() -> None:
    runtime = boto3.client("sagemaker-runtime", region_name="us-east-1")
    body = ANSWER.encode()
    with Stubber(runtime) as stub:
        stub.add_response(
            "invoke_endpoint",
            {"Body": StreamingBody(io.BytesIO(body), len(body))},
            {
                "EndpointName": "live",
                "ContentType": "text/csv",
                "Accept": "text/csv",
                "Body": b'"It said ""perfect"",\nit is"\n',
            },
        )

        assert invoke(runtime, "live", 'It said "perfect",\nit is') == EXPECTED


def test_an_endpoint_that_does_not_answer_is_named() -> None:
    runtime = boto3.client("sagemaker-runtime", region_name="us-east-1")
    with Stubber(runtime) as stub:
        stub.add_client_error("invoke_endpoint", "ModelError", "Received server error (500)")

        with pytest.raises(LauncherError, match=r"live did not answer.*500"):
            invoke(runtime, "live", "text")


@pytest.mark.parametrize("has_run", [False, True])
def test_who_types_no_text_is_shown_one_about_his_own_data(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_run: bool
) -> None:
    overlay = tmp_path / "soup.yaml"
    overlay.write_text("golden_requests: [{text: Cold soup, expected: -1}, {text: Tasty broth, expected: 1}]")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    load_settings.cache_clear()
    if has_run:
        (places.runs / "key").mkdir(parents=True)
        (places.runs / "latest").write_text("key")
        card = {"verification": {"golden": [{"text": "Fine noodles", "expected": 1}]}}
        (places.runs / "key" / "card.json").write_text(json.dumps(card))

    with pytest.raises(RefusedError) as refused:
        predict(places, " ", Console())

    assert f'TEXT="{"Fine noodles" if has_run else "Tasty broth"}"' in str(refused.value.remedy)
    load_settings.cache_clear()


def test_the_status_proposes_the_text_that_was_found() -> None:
    live = Live("e", "InService", "m", "today")
    state = State({"localaws": "http://a"}, live=live, runs=[], example='"Tasty broth"')
    assert status.problem(state) == ("", 'make predict TEXT="Tasty broth", or make report')
