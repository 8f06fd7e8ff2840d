from __future__ import annotations

import io

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from launcher.failures import LauncherError
from launcher.predict import Prediction, invoke, parse

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
