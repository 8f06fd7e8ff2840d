"""A registered winner that is a tiny web server, and its deployment on the stand-in."""

from __future__ import annotations

import importlib.util
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sentiment_retrain.aws import models
from sentiment_retrain.operators.approve import ApproveModelOperator
from sentiment_retrain.operators.deploy import DeployInferencePipelineOperator
from sentiment_retrain.operators.registry import RegisterModelOperator
from sentiment_retrain.operators.rollback import RollbackEndpointOperator
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    import types
    from collections.abc import Callable

    from sentiment_retrain.aws.hooks import Aws

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/review-model:1"
TEXTS = ["lovely dress", "terrible, it broke", "fits well", "awful zip", "nice colour", "I returned it"]
TESTS = Path(__file__).parents[2]


def _image() -> types.ModuleType:
    path = TESTS / "localaws" / "images" / "review-model" / "serve.py"
    spec = importlib.util.spec_from_file_location("review_model", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules["review_model"] = module
    spec.loader.exec_module(module)
    return module


#: The image's own code, which says what a good model answers.
review_model = _image()


class World:
    """One installation with an endpoint of its own, on which models are deployed one after the other."""

    def __init__(self, aws: Aws, bucket: str, overlay: Path, execute: Callable[..., Any]) -> None:
        self.aws, self.bucket, self.overlay, self.execute = aws, bucket, overlay, execute
        name = f"e{uuid.uuid4().hex[:8]}"
        self.configure(
            endpoint_name=name,
            model_package_group=name,
            deployment={
                "instance_count": 1,
                "strategy": "canary",
                "canary_percent": 50,
                "bake_seconds": 2,
                "termination_wait_seconds": 0,
            },
        )
        self.endpoint = name
        aws.put_bytes(self.uri("test_input.csv"), "".join(f'"{text}"\n' for text in TEXTS).encode())

    def configure(self, **changes: Any) -> None:
        """Change the installation's configuration."""
        document = yaml.safe_load(self.overlay.read_text())
        for key, value in changes.items():
            document[key] = (document.get(key) or {}) | value if isinstance(value, dict) else value
        self.overlay.write_text(yaml.safe_dump(document))
        load_settings.cache_clear()

    def uri(self, name: str) -> str:
        """Somewhere in the bucket."""
        return f"s3://{self.bucket}/made/{name}"

    def run(self, name: str = "run-1", **changes: Any) -> dict[str, Any]:
        """A run, without what these tasks do not read."""
        return {
            "run_key": name,
            "run_id": f"manual__{name}",
            "dag_id": "review_sentiment_retrain",
            "bucket": self.bucket,
            "region": "us-east-1",
            "run_uri": f"s3://{self.bucket}/runs/{name}",
            "plan_uri": f"s3://{self.bucket}/runs/{name}/plan.json",
            "source_uri": f"s3://{self.bucket}/inbox/",
            "partition": "2026-03-01",
            "role_arn": "arn:aws:iam::123456789012:role/sentiment-retrain",
            "mode": "retrain",
            "deploy": "auto",
            "approval": "auto",
            "champion": None,
        } | changes

    def datasets(self, data_until: str = "2026-03-01") -> dict[str, Any]:
        """The datasets that all the models were tested on."""
        return {
            "data_until": data_until,
            "fingerprint": "d" * 64,
            "uri": f"s3://{self.bucket}/datasets/d",
            "rows": {"train": 100, "validation": 10, "test": len(TEXTS)},
            "files": {"test_input": self.uri("test_input.csv")},
        }

    def verdict(
        self,
        manner: str = "good",
        sure: float = 0.9,
        contender: str = "blazingtext",
        data_until: str = "2026-03-01",
    ) -> dict[str, Any]:
        """A winner that was evaluated as a good model, and serves in this manner."""
        environment = {"MANNER": manner, "SURE": str(sure), "IDENTITY": uuid.uuid4().hex}
        containers = [{"Image": IMAGE, "Environment": environment}]
        name, digest = models.ensure_model(
            self.aws,
            load_settings(),
            self.run(),
            contender=contender,
            containers=containers,
            data_until=data_until,
        )
        body = "".join(f'"{text}"\n' for text in TEXTS)
        predictions = self.aws.put_bytes(self.uri(f"{name}.out"), review_model.answer(body).encode())
        return {
            "winner": contender,
            "action": "deploy",
            "reason": "It is better.",
            "metric": "macro_f1",
            "scores": {contender: {"value": 0.8, "interval": [0.7, 0.9]}},
            "model_name": name,
            "model_fingerprint": digest,
            "containers": containers,
            "predictions_uri": predictions,
            "verdict_uri": f"s3://{self.bucket}/runs/run-1/verdict.json",
        }

    def register(self, verdict: dict[str, Any], run: dict[str, Any] | None = None) -> dict[str, Any]:
        """Output of ``register_model``."""
        report = {"analysis_uri": self.uri("analysis.json"), "report_uri": self.uri("report.json")}
        operator = RegisterModelOperator(
            task_id="register_model",
            run=run or self.run(),
            datasets=self.datasets(),
            verdict=verdict,
            bias=report,
            explain_bias=report,
            explain_shap=report,
            quality=report,
            drift=report,
        )
        return dict(self.execute(operator))

    def approve(
        self,
        verdict: dict[str, Any],
        registration: dict[str, Any],
        pushed: dict[str, Any] | None = None,
        **run: Any,
    ) -> dict[str, Any]:
        """Output of ``approve``."""
        operator = ApproveModelOperator(
            task_id="approve", run=self.run(**run), verdict=verdict, registration=registration
        )
        return dict(self.execute(operator, pushed))

    def deploy(
        self,
        verdict: dict[str, Any],
        registration: dict[str, Any] | None = None,
        pushed: dict[str, Any] | None = None,
        evaluations: Any = (),
        *,
        data_until: str = "2026-03-01",
        deferrable: bool = False,
        **run: Any,
    ) -> dict[str, Any]:
        """Output of ``deploy.endpoint``, waited for in the worker unless it is ``deferrable``."""
        operator = DeployInferencePipelineOperator(
            task_id="endpoint",
            run=self.run(**run),
            datasets=self.datasets(data_until),
            verdict=verdict,
            registration=registration,
            evaluations=evaluations,
            deferrable=deferrable,
        )
        return dict(self.execute(operator, pushed))

    def roll_back(
        self, pushed: dict[str, Any] | None = None, *, deferrable: bool = False, **run: Any
    ) -> dict[str, Any]:
        """Output of ``rollback``."""
        made = self.run(**{"name": "run-back", "mode": "rollback"} | run)
        operator = RollbackEndpointOperator(task_id="rollback", run=made, deferrable=deferrable)
        return dict(self.execute(operator, pushed))

    def describe(self) -> dict[str, Any]:
        """The endpoint."""
        return dict(self.aws.sagemaker("describe_endpoint", EndpointName=self.endpoint))

    def wait_until_at_rest(self, seconds: float = 60) -> dict[str, Any]:
        """The endpoint once nothing is under way."""
        deadline = time.monotonic() + seconds
        while (found := self.describe())["EndpointStatus"] != "InService":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.endpoint} is still {found['EndpointStatus']}")
            time.sleep(0.1)
        return found

    def scalable_targets(self) -> list[tuple[int, int]]:
        """Bounds of the endpoint's autoscaling; none when it is off."""
        found = self.aws.call(
            "application-autoscaling",
            "describe_scalable_targets",
            ServiceNamespace="sagemaker",
            ResourceIds=[f"endpoint/{self.endpoint}/variant/AllTraffic"],
        )
        return [(one["MinCapacity"], one["MaxCapacity"]) for one in found["ScalableTargets"]]

    def scaling_activities(self) -> list[str]:
        """What autoscaling has done to the endpoint, newest first."""
        found = self.aws.call(
            "application-autoscaling",
            "describe_scaling_activities",
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{self.endpoint}/variant/AllTraffic",
        )
        return [one["Description"] for one in found["ScalingActivities"]]

    def package(self, registration: dict[str, Any]) -> dict[str, Any]:
        """A model package."""
        arn = registration["model_package_arn"]
        return dict(self.aws.sagemaker("describe_model_package", ModelPackageName=arn))
