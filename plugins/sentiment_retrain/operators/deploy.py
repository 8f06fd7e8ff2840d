"""``deploy.endpoint``: the winner goes live, and what was live before is remembered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import champion, errors, jobs, models, naming
from sentiment_retrain.jobs import as_tags, to_request_tags
from sentiment_retrain.links import LINK_KEY, console_url
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

VARIANT = "AllTraffic"
PREVIOUS_TAG = "retrain:previous-config"
#: How long a failed endpoint may take to disappear before a new one of its name is made.
DELETE_SECONDS = 600


class DeployInferencePipelineOperator(SageMakerJobOperator):
    """Creates or updates the endpoint, waits, and makes sure that it really serves the new configuration.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    :param registration: output of ``register_model``
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict", "registration")

    def __init__(self, *, datasets: Any, verdict: Any, registration: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.verdict = verdict
        self.registration = registration

    def work(self, context: Context) -> dict[str, Any]:
        """Deploy and hand on the deployment of docs/contracts.md section 2."""
        if self.verdict["action"] != "deploy":
            raise AirflowSkipException(self.verdict["reason"])
        self._require_not_newer()
        name, config = self.settings.endpoint_name, self._ensure_config()
        current = self._describe()
        if current and current["EndpointStatus"] in {"Failed", "OutOfService"}:
            self._remove(name)
            current = None
        if current is None:
            outcome = "created"
            request = {"EndpointName": name, "EndpointConfigName": config, "Tags": self._tags()}
            self.aws.create("create_endpoint", request)
        elif current["EndpointConfigName"] == config or self._is_becoming(current, config):
            outcome = "reconnected" if current["EndpointStatus"] != "InService" else "unchanged"
        else:
            outcome = "updated"
            self._update(current, config)
        self.log.info("endpoint %s %s with configuration %s", name, outcome, config)
        endpoint_url = self.aws.client("sagemaker").meta.endpoint_url
        link = console_url(endpoint_url, self.run["region"], jobs.ENDPOINT, name)
        context["ti"].xcom_push(key=LINK_KEY, value=link)
        started = {
            "kind": jobs.ENDPOINT.name,
            "name": name,
            "outcome": outcome,
            "why": config,
            "owned": False,
            "deadline": time.time() + self.settings.deploy_timeout_seconds,
        }
        state = self._look(started)
        if state is None or not state.is_done:
            self._wait({}, started)
        return self._verdict(config, outcome)

    def resume(
        self, context: Context, event: dict[str, Any], done: dict[str, Any], started: dict[str, Any]
    ) -> Any:
        """Go on where the task was deferred."""
        del done
        if event.get("timed_out"):
            return self.guarded(context, lambda: self.give_up(started))
        return self.guarded(context, lambda: self._verdict(started["why"], started["outcome"]))

    def _require_not_newer(self) -> None:
        """Skip when a model trained on newer data went live since the verdict."""
        live = champion.find_champion(self.aws, self.settings.endpoint_name)
        newer = (live or {}).get("data_until") or ""
        if newer > self.datasets["data_until"]:
            raise AirflowSkipException(
                f"a model trained on data until {newer} went live meanwhile; this one knows data only until "
                f"{self.datasets['data_until']}"
            )

    def _describe(self) -> dict[str, Any] | None:
        return self.aws.find("describe_endpoint", EndpointName=self.settings.endpoint_name)

    def _tags(self) -> list[dict[str, str]]:
        return to_request_tags(
            run=self.run["run_key"],
            step=self.verdict["winner"],
            fingerprint=self.verdict["model_fingerprint"],
            data_until=self.datasets["data_until"],
        )

    def _ensure_config(self) -> str:
        """Name of the endpoint configuration of this model on these machines, created unless it exists."""
        rules = self.settings.deployment
        variant = {
            "VariantName": VARIANT,
            "ModelName": self.verdict["model_name"],
            "InstanceType": rules.instance_type,
            "InitialInstanceCount": rules.instance_count,
            "InitialVariantWeight": 1.0,
        }
        digest = naming.fingerprint({"variant": variant})
        name = naming.job_name(
            self.settings.prefix, f"endpoint-{self.verdict['winner']}", self.datasets["data_until"], digest
        )
        if self.aws.find("describe_endpoint_config", EndpointConfigName=name) is None:
            request = {"EndpointConfigName": name, "ProductionVariants": [variant], "Tags": self._tags()}
            self.aws.create("create_endpoint_config", request)
        return name

    def _is_becoming(self, current: Mapping[str, Any], config: str) -> bool:
        """Whether an earlier try of this task has begun this very update."""
        pending = current.get("PendingDeploymentSummary") or {}
        return pending.get("EndpointConfigName") == config

    def _update(self, current: Mapping[str, Any], config: str) -> None:
        arn = current["EndpointArn"]
        previous = as_tags({PREVIOUS_TAG: current["EndpointConfigName"]})
        # Before the update, so that a try that dies in the middle still knows what to go back to.
        self.aws.sagemaker("add_tags", ResourceArn=arn, Tags=[*self._tags(), *previous])
        self.aws.sagemaker(
            "update_endpoint",
            EndpointName=current["EndpointName"],
            EndpointConfigName=config,
            DeploymentConfig=deployment_config(self.settings.deployment),
        )

    def _remove(self, name: str) -> None:
        """Delete an endpoint that failed: in that state nothing else is allowed."""
        self.log.warning("endpoint %s failed earlier and is made anew", name)
        self.aws.sagemaker("delete_endpoint", EndpointName=name)
        deadline = time.monotonic() + DELETE_SECONDS
        while self._describe() is not None:
            if time.monotonic() > deadline:
                raise errors.DeploymentError(f"endpoint {name} is still being deleted", "its name to be free")
            time.sleep(min(5.0, self.settings.poll_seconds))

    def _verdict(self, config: str, outcome: str) -> dict[str, Any]:
        """The deployment, if the endpoint serves ``config``; a rollback ends InService as well."""
        name = self.settings.endpoint_name
        current = self._describe() or {}
        status, serving = current.get("EndpointStatus", "gone"), current.get("EndpointConfigName")
        if status != "InService" or serving != config:
            raise errors.DeploymentError(
                f"endpoint {name} is {status} with configuration {serving}: "
                f"{current.get('FailureReason', 'no reason given')}",
                f"InService with configuration {config}",
            )
        tags = self.aws.tags(current["EndpointArn"])
        model = self.aws.sagemaker("describe_model", ModelName=self.verdict["model_name"])
        return {
            "endpoint_name": name,
            "endpoint_config_name": config,
            "previous_endpoint_config_name": tags.get(PREVIOUS_TAG),
            "status": status,
            "containers": models.containers_of(model),
            "model_name": self.verdict["model_name"],
            "outcome": outcome,
        }


def deployment_config(rules: Any) -> dict[str, Any]:
    """How traffic moves from the old fleet to the new one: all at once, or in steps."""
    routing: dict[str, Any] = {"Type": rules.strategy.upper(), "WaitIntervalInSeconds": rules.bake_seconds}
    size = {"Type": "CAPACITY_PERCENT", "Value": rules.canary_percent}
    if rules.strategy == "canary":
        routing["CanarySize"] = size
    elif rules.strategy == "linear":
        routing["LinearStepSize"] = size
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": rules.termination_wait_seconds,
            "MaximumExecutionTimeoutInSeconds": rules.max_execution_seconds,
        }
    }
