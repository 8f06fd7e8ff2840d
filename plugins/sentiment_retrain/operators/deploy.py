"""``deploy.endpoint``: the winner goes live step by step, watched, and back by itself when it is not well."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws import models, packages
from sentiment_retrain.data.datasets import request_csv
from sentiment_retrain.endpoint import alarms, champion, history, pins, requests, scaling
from sentiment_retrain.endpoint.canary import ask, batches_of
from sentiment_retrain.endpoint.updates import begin_update, pending_config
from sentiment_retrain.operators.endpoint_base import BUSY, EndpointOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context


class DeployInferencePipelineOperator(EndpointOperator):
    """Creates or updates the endpoint, waits, and makes sure that it really serves the new configuration.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param verdict: output of ``select_best``
    :param registration: output of ``register_model``
    :param evaluations: outputs of ``evaluate.*``: the loser among them is the shadow, where one is asked for
    """

    template_fields: Sequence[str] = ("run", "datasets", "verdict", "registration", "evaluations")

    def __init__(
        self, *, datasets: Any, verdict: Any, registration: Any = None, evaluations: Any = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.verdict = verdict
        self.registration = registration
        self.evaluations = evaluations

    def work(self, context: Context) -> dict[str, Any]:
        """Deploy and hand on the deployment of docs/contracts.md section 2."""
        if self.verdict["action"] != "deploy":
            raise AirflowSkipException(self.verdict["reason"])
        return dict(self.when_free(context))

    def _has_put_up(self, current: Mapping[str, Any], config: str) -> bool:
        """Whether an earlier try of this task, or of a run that was cleared, has done it to the end."""
        tags = self.aws.tags(current["EndpointArn"])
        return (
            tags.get("retrain:run") == self.run["run_key"] and tags.get(history.TARGET_TAG, config) == config
        )

    def is_ours(self, current: Mapping[str, Any]) -> bool:
        """Whether an earlier try of this task has begun this very update."""
        return self._config()["EndpointConfigName"] in (
            pending_config(current),
            current["EndpointConfigName"] if current["EndpointStatus"] == "Creating" else None,
        )

    def begin(self, context: Context) -> dict[str, Any]:
        """Create or update, or find that it is done or under way; then wait."""
        self._require_wanted()
        self._require_one_container_when_serverless()
        name, config = self.settings.endpoint_name, self._ensure_config()
        current = self.describe_usable()
        notes: dict[str, Any] = {"began": dt.datetime.now(dt.UTC).isoformat(), "previous": None}
        if current is None:
            notes["outcome"] = "created"
            request = {"EndpointName": name, "EndpointConfigName": config, "Tags": self._tags()}
            if not self.aws.create("create_endpoint", request):
                # Another run was first: when it is done, compare with what it made.
                return dict(self.when_free(context))
        elif self.is_ours(current):
            notes["outcome"] = "reconnected"
        elif current["EndpointStatus"] in BUSY:
            # Another run began between the wait and this look: its data counts once it is live.
            return dict(self.when_free(context))
        elif current["EndpointConfigName"] == config:
            notes["outcome"] = "reconnected" if self._has_put_up(current, config) else "unchanged"
        else:
            # Between the first comparison and this look another run may have created the endpoint.
            self._require_newest()
            begun = self._update(current, config)
            if begun is None:
                return dict(self.when_free(context))
            notes |= begun | {"outcome": "updated", "previous": current["EndpointConfigName"]}
        self.log.info("endpoint %s %s with configuration %s", name, notes["outcome"], config)
        return dict(self.await_end(context, **notes))

    def end(self, context: Context, started: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The deployment, if the endpoint serves the model; a rollback ends InService as well."""
        rules, name = self.settings.deployment, self.settings.endpoint_name
        current = self.describe() or {}
        status, serving = current.get("EndpointStatus", "gone"), current.get("EndpointConfigName")
        config = self._config()["EndpointConfigName"]
        result: dict[str, Any] = {
            "endpoint_name": name,
            "endpoint_config_name": serving,
            "previous_endpoint_config_name": None,
            "status": status,
            "containers": self.verdict["containers"],
            "model_name": self.verdict["model_name"],
            "outcome": started["outcome"],
            "strategy": rules.strategy if started["outcome"] == "updated" else None,
            "alarms": started.get("alarms", []),
            "alarms_left_out": started.get("left_out", []),
            "rolled_back_by": [],
            "autoscaling": None,
        }
        if status == "InService":
            result["autoscaling"] = scaling.resume(self.aws, current, rules.autoscaling)
            tags = self.aws.tags(current["EndpointArn"])
            result["previous_endpoint_config_name"] = history.previous_config(tags, str(serving))
        if status != "InService" or serving != config:
            self._require_not_replaced(current, config)
            raise self._refused(current, result, started)
        self._mark_live(started)
        return result

    # --- whether --------------------------------------------------------------------------------------------

    def _require_wanted(self) -> None:
        """Skip when something has happened since the verdict that forbids it."""
        pin = pins.find_pin(self.aws, self.run["bucket"], self.settings.endpoint_name)
        if pin:
            raise AirflowSkipException(f"nothing is deployed: {pins.explain(pin)}")
        self._require_newest()

    def _require_newest(self) -> None:
        """Skip when what is live was trained on newer data."""
        live = champion.find_champion(self.aws, self.settings.endpoint_name)
        newer = (live or {}).get("data_until") or ""
        if newer > self.datasets["data_until"]:
            raise AirflowSkipException(
                f"a model trained on data until {newer} went live meanwhile; this one knows data only until "
                f"{self.datasets['data_until']}"
            )

    def _require_not_replaced(self, current: Mapping[str, Any], config: str) -> None:
        """Skip when another run took this model's place as soon as it was live: that is no failure."""
        status = current.get("EndpointStatus")
        pending = pending_config(current)
        if status == "Updating" and current["EndpointConfigName"] == config and pending:
            raise AirflowSkipException(f"{config} went live and another run replaces it by {pending} now")
        if status in {"InService", "Updating"}:
            self._require_newest()

    def _require_one_container_when_serverless(self) -> None:
        count = len(self.verdict["containers"])
        if self.settings.deployment.serverless and count > 1:
            raise errors.ConfigError(
                f"the winner is an inference pipeline of {count} containers and deployment.serverless is set",
                "a model of one container: AWS serves no pipeline without servers",
            )

    # --- what -----------------------------------------------------------------------------------------------

    def _tags(self) -> list[dict[str, str]]:
        return requests.resource_tags(
            self.settings,
            self.run,
            step=self.verdict["winner"],
            fingerprint=self.verdict["model_fingerprint"],
            data_until=self.datasets["data_until"],
        )

    def _config(self) -> dict[str, Any]:
        others = [one for one in self.evaluations or () if one and one["contender"] != self.verdict["winner"]]
        loser = others[0]["model_name"] if others and self.settings.deployment.shadow else None
        return requests.endpoint_config(
            self.settings,
            self.run["bucket"],
            model_name=self.verdict["model_name"],
            contender=self.verdict["winner"],
            data_until=self.datasets["data_until"],
            shadow_model=loser,
        )

    def _ensure_config(self) -> str:
        """Name of the endpoint configuration of this model on these machines, created unless it exists."""
        config = self._config()
        name = str(config["EndpointConfigName"])
        if self.aws.find("describe_endpoint_config", EndpointConfigName=name) is None:
            self.aws.create("create_endpoint_config", config | {"Tags": self._tags()})
        return name

    # --- how ------------------------------------------------------------------------------------------------

    def _update(self, current: Mapping[str, Any], config: str) -> dict[str, Any] | None:
        """Begin the update; gives ``alarms, left_out, canary_uri`` for :meth:`end`, None if overtaken."""
        rules = self.settings.deployment
        deployment = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{config[-10:]}"
        guards, left_out = alarms.prepare(self.aws, self.settings, deployment)
        if left_out:
            self.log.warning("%s ring already and cannot tell old from new: left out", ", ".join(left_out))
        canary_uri = self._plan_canary(deployment)
        # To ask the old fleet takes a while, in which another run may have put up a model of its own.
        now = self.describe() or {}
        if (
            now.get("EndpointStatus") in BUSY
            or now.get("EndpointConfigName") != current["EndpointConfigName"]
        ):
            return None
        if not begin_update(self.aws, current, config, rules, alarms=guards, tags=self._tags()):
            return None
        return {"alarms": guards, "left_out": left_out, "canary_uri": canary_uri}

    def _plan_canary(self, deployment: str) -> str | None:
        """URI of what the new fleet is asked while it takes its first traffic."""
        rules, name = self.settings.deployment, self.settings.endpoint_name
        if not rules.alarms.quality or rules.serverless:
            return None
        texts, offline = self._sample()
        goldens = self.settings.golden_requests
        body = request_csv([*(golden.text for golden in goldens), *texts]).decode()
        share = 1.0 if rules.strategy == "all_at_once" else rules.canary_percent / 100
        plan = {
            "endpoint_name": name,
            "dimensions": alarms.quality_dimensions(name, deployment),
            "body": body,
            "expected": [golden.expected for golden in goldens],
            "offline": offline,
            "before": ask(self.aws, name, body),
            "batches": batches_of(share),
        }
        return self.aws.put_json(f"{self.run['run_uri']}/canary.json", plan)

    def _sample(self) -> tuple[list[str], list[int]]:
        """Test rows spread over the test set, and what the model said of them in its evaluation."""
        from sentiment_retrain.verdict import evaluation

        content = self.aws.get_bytes(self.datasets["files"]["test_input"]).decode()
        texts = [row[0] for row in csv.reader(io.StringIO(content, newline=""))]
        lines = self.aws.get_bytes(self.verdict["predictions_uri"]).decode().splitlines()
        labels = evaluation.parse_predictions(lines, len(texts)).labels.tolist()
        wanted = self.settings.gates.agreement.sample_rows
        chosen = range(0, len(texts), max(1, len(texts) // wanted))[:wanted]
        return [texts[row] for row in chosen], [int(labels[row]) for row in chosen]

    # --- what became of it ----------------------------------------------------------------------------------

    def _mark_live(self, started: Mapping[str, Any]) -> None:
        """The registry says what is live and what it replaced."""
        if not self.registration:
            return
        arn = self.registration["model_package_arn"]
        packages.mark(
            self.aws,
            arn,
            stage=packages.LIVE,
            deployed_at=packages.now(),
            deployed_by_run=self.run["run_key"],
            endpoint=self.settings.endpoint_name,
            **({"replaced_config": started["previous"]} if started.get("previous") else {}),
        )
        packages.supersede(self.aws, self.settings.model_package_group, arn, self.run["run_key"])

    def _refused(
        self, current: Mapping[str, Any], result: dict[str, Any], started: Mapping[str, Any]
    ) -> errors.DeploymentError:
        """The error of an endpoint that does not serve the model, with the alarms that undid it."""
        began = dt.datetime.fromisoformat(started["began"])
        rung = alarms.rung_since(self.aws, result["alarms"], began)
        reason = current.get("FailureReason", "no reason given")
        observed = (
            f"endpoint {result['endpoint_name']} is {result['status']} with configuration "
            f"{result['endpoint_config_name']}: {reason}"
        )
        kind = errors.DeploymentError
        if result["status"] == "InService":
            kind = errors.DeploymentRolledBack
            result |= {"outcome": "rolled_back", "rolled_back_by": rung}
            result |= self._what_is_live()
            observed += "".join(f"\n{one['alarm']} at {one['at']}: {one['reason']}" for one in rung)
        if self.registration:
            names = ", ".join(one["alarm"] for one in rung) or reason
            words = f"not deployed by run {self.run['run_key']}: {names}"
            arn = self.registration["model_package_arn"]
            packages.reject_rolled_back(self.aws, arn, words)
        error = kind(observed, f"InService with configuration {self._config()['EndpointConfigName']}")
        error.result = result  # type: ignore[attr-defined]
        return error

    def _what_is_live(self) -> dict[str, Any]:
        """``model_name, containers`` of what the endpoint went back to."""
        live = champion.find_champion(self.aws, self.settings.endpoint_name)
        found = self.aws.find("describe_model", ModelName=live["model_name"]) if live else None
        if not live or not found:
            return {"model_name": None, "containers": None}
        return {"model_name": live["model_name"], "containers": models.containers_of(found)}
