"""``rollback``: back to what was live before, or to a named model, in one run; and the pin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws import models, packages
from sentiment_retrain.data.datasets import request_csv
from sentiment_retrain.endpoint import history, pins, requests, scaling
from sentiment_retrain.endpoint.canary import ask, labels_of
from sentiment_retrain.endpoint.updates import begin_update, pending_config
from sentiment_retrain.operators.endpoint_base import BUSY, EndpointOperator
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

MODES = frozenset({"rollback", "unpin"})
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
_MODEL_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,9}", re.ASCII)
#: How much of a value that is none an error repeats.
_SHOWN = 200


class RollbackEndpointOperator(EndpointOperator):
    """``mode: rollback`` changes what is live and pins it; ``mode: unpin`` lifts the pin.

    The change is blue/green and all at once, without alarms: what is live is to go, and the target has been
    live or registered before. A target that does not start leaves what is live untouched.

    :param run: output of ``plan``, with ``rollback_to`` (a model's name, its package's ARN or version; None:
        what was live before)
    """

    def work(self, context: Context) -> dict[str, Any]:
        """Hand on the deployment of docs/contracts.md section 2, with ``said``: what was done, in words."""
        if self.run["mode"] not in MODES:
            raise AirflowSkipException(f"mode is {self.run['mode']}")
        if self.run["mode"] == "unpin":
            return self._unpin()
        return dict(self.when_free(context))

    def is_ours(self, current: Mapping[str, Any]) -> bool:
        """Whether an earlier try of this task has begun the update that is under way, or has ended."""
        tags = self.aws.tags(current["EndpointArn"])
        is_moving = current["EndpointStatus"] in BUSY
        config = pending_config(current) if is_moving else current["EndpointConfigName"]
        return tags.get("retrain:run") == self.run["run_key"] and tags.get(history.TARGET_TAG) == config

    def begin(self, context: Context) -> dict[str, Any]:
        """Find the target and begin the update."""
        name = self.settings.endpoint_name
        current = self.describe()
        if current is None or current["EndpointStatus"] in {"Failed", "OutOfService", "Deleting"}:
            raise errors.NoRollbackTarget(
                f"endpoint {name} is {current['EndpointStatus'] if current else 'not there'}",
                "an endpoint in service, which can go back",
                "Run with mode: retrain and deploy: force, which makes the endpoint anew.",
            )
        if self.is_ours(current):
            tags = self.aws.tags(current["EndpointArn"])
            target, left = tags[history.TARGET_TAG], tags[history.UPDATING_TAG]
        elif current["EndpointStatus"] in BUSY:
            # Another run began between the wait and this look.
            return dict(self.when_free(context))
        else:
            target, left = self._target(current), current["EndpointConfigName"]
            if target != left and not self._update(current, target):
                return dict(self.when_free(context))
        return dict(self.await_end(context, config=target, previous=left, began=packages.now()))

    def _update(self, current: Mapping[str, Any], target: str) -> bool:
        """Begin the update, False if another run was quicker."""
        left = current["EndpointConfigName"]
        # Before the update, so that a deployment which waits for its end finds the pin.
        self._pin(left, target)
        tags = [{"Key": "retrain:run", "Value": self.run["run_key"]}]
        rules = requests.at_once(self.settings.deployment)
        try:
            if not begin_update(self.aws, current, target, rules, tags=tags):
                return False
        except errors.RetrainError as error:
            # What AWS has refused never goes live; of what it has not answered the next try knows more.
            if not error.retryable:
                pins.withdraw(self.aws, self.run, current["EndpointName"])
            raise
        self.log.info("endpoint %s goes back from %s to %s", current["EndpointName"], left, target)
        return True

    def _pin(self, left: str, target: str) -> dict[str, Any]:
        """Pin the endpoint to the model of ``target``."""
        config = self.aws.sagemaker("describe_endpoint_config", EndpointConfigName=target)
        return pins.pin(
            self.aws,
            self.run,
            self.settings.endpoint_name,
            model_name=config["ProductionVariants"][0]["ModelName"],
            config=target,
            reason="asked for what is live already" if target == left else f"rolled back from {left}",
        )

    def end(self, context: Context, started: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Pin what is live now, mark the packages, ask the golden requests."""
        name, target, left = self.settings.endpoint_name, started["config"], started["previous"]
        current = self.describe() or {}
        serving, status = current.get("EndpointConfigName"), current.get("EndpointStatus", "gone")
        scaled = None
        if status == "InService":
            scaled = scaling.resume(self.aws, current, self.settings.deployment.autoscaling)
        if status != "InService" or serving != target:
            pins.withdraw(self.aws, self.run, name)
            raise errors.DeploymentError(
                f"endpoint {name} is {status} with configuration {serving}: "
                f"{current.get('FailureReason', 'no reason given')}",
                f"InService with configuration {target}",
                "Read the endpoint's failure reason and logs, or name another model in rollback_to.",
            )
        pin = self._pin(left, target)
        model_name = pin["model_name"]
        model = self.aws.sagemaker("describe_model", ModelName=model_name)
        moved, lift = target != left, pins.HOW_TO_LIFT
        if moved:
            self._mark_packages(left, model_name)
        result = {
            "endpoint_name": name,
            "endpoint_config_name": target,
            "previous_endpoint_config_name": left if moved else None,
            "status": status,
            "containers": models.containers_of(model),
            "model_name": model_name,
            "outcome": "rolled_back_by_request" if moved else "unchanged",
            "autoscaling": scaled,
            "pin": pin,
            "said": f"{name} went back from {left} to {target} ({model_name}) and is pinned. {lift}."
            if moved
            else f"{name} serves {target} already; it is pinned now. {lift}.",
        }
        self.log.info("%s", result["said"])
        return self.settle([self._golden()], result)

    def _unpin(self) -> dict[str, Any]:
        name, bucket = self.settings.endpoint_name, self.run["bucket"]
        found = pins.find_pin(self.aws, bucket, name)
        if found:
            pins.unpin(self.aws, self.run, name)
        said = (
            f"{name} is not pinned to {found['model_name']} any more: the next run may deploy again."
            if found
            else f"{name} was not pinned."
        )
        self.log.info("%s", said)
        return {"outcome": "unpinned", "endpoint_name": name, "pin": None, "said": said}

    # --- the target -----------------------------------------------------------------------------------------

    def _target(self, current: Mapping[str, Any]) -> str:
        """Name of the endpoint configuration to go to, made where it was pruned."""
        wanted = self.run.get("rollback_to")
        if not wanted:
            tags = self.aws.tags(current["EndpointArn"])
            name = history.previous_config(tags, current["EndpointConfigName"])
            if name is None:
                raise errors.NoRollbackTarget(
                    f"nothing was live on {current['EndpointName']} before {current['EndpointConfigName']}",
                    "a former configuration, or a model in rollback_to",
                )
            if self.aws.find("describe_endpoint_config", EndpointConfigName=name) is None:
                raise errors.NoRollbackTarget(
                    f"configuration {name}, which was live before, has been deleted",
                    "a former configuration, or a model in rollback_to",
                )
            return name
        model_name, tags = self._named_model(self._readable(str(wanted), current["EndpointArn"]))
        live = self.aws.sagemaker(
            "describe_endpoint_config", EndpointConfigName=current["EndpointConfigName"]
        )
        if live["ProductionVariants"][0]["ModelName"] == model_name:
            return str(current["EndpointConfigName"])
        config = requests.endpoint_config(
            self.settings,
            self.run["bucket"],
            model_name=model_name,
            contender=tags.get("retrain:step") or "model",
            data_until=tags.get("retrain:data-until") or self.run["partition"],
        )
        name = str(config["EndpointConfigName"])
        if self.aws.find("describe_endpoint_config", EndpointConfigName=name) is None:
            self.aws.create("create_endpoint_config", config)
        return name

    def _readable(self, wanted: str, endpoint_arn: str) -> str:
        """``wanted``, if it can be a model's name or a package of this installation's own group.

        :raises NoRollbackTarget: it cannot; a package of another account or group was never tried here
        """
        group = self.settings.model_package_group
        own = f"{endpoint_arn.rpartition(':')[0]}:model-package/{group}/"
        head, slash, version = wanted.rpartition("/")
        if _VERSION.fullmatch(wanted) or _MODEL_NAME.fullmatch(wanted):
            return wanted
        # SageMaker writes names in ARNs in lower case.
        if _VERSION.fullmatch(version) and (head + slash).lower() == own.lower():
            return wanted
        shown = wanted if len(wanted) <= _SHOWN else f"{wanted[:_SHOWN]}… ({len(wanted)} characters)"
        raise errors.NoRollbackTarget(
            f"rollback_to is {shown!r}", f"a model's name, or a version of {group} or its ARN, {own}<version>"
        )

    def _named_model(self, wanted: str) -> tuple[str, dict[str, str]]:
        """Name and tags of the model that is meant; one that was pruned is made again from its package."""
        package = self._package(wanted)
        name = packages.metadata(package).get("model_name", wanted) if package else wanted
        model = self.aws.find("describe_model", ModelName=name)
        if model:
            return name, self.aws.tags(model["ModelArn"])
        if package is None:
            raise errors.NoRollbackTarget(
                f"there is no model and no model package {wanted!r}",
                f"a model's name, or an ARN or a version of {self.settings.model_package_group}",
            )
        known = packages.metadata(package)
        name, digest = models.ensure_model(
            self.aws,
            self.settings,
            self.run,
            contender=known["contender"],
            containers=models.containers_of(package["InferenceSpecification"]),
            data_until=known["data_until"],
        )
        return name, {
            "retrain:step": known["contender"],
            "retrain:data-until": known["data_until"],
            "retrain:fingerprint": digest,
        }

    def _package(self, wanted: str) -> dict[str, Any] | None:
        group = self.settings.model_package_group
        if wanted.startswith("arn:"):
            return packages.describe(self.aws, wanted)
        if wanted.isdecimal():
            found = packages.recent(self.aws, group, limit=None)
            return next((one for one in found if one["ModelPackageVersion"] == int(wanted)), None)
        # However old: somebody names it, and its model may have been pruned long ago.
        return packages.of_model(self.aws, group, name=wanted, limit=None)  # type: ignore[no-any-return]

    # --- afterwards -----------------------------------------------------------------------------------------

    def _mark_packages(self, left_config: str, live_model: str) -> None:
        group = self.settings.model_package_group
        left = self.aws.find("describe_endpoint_config", EndpointConfigName=left_config)
        former = left["ProductionVariants"][0]["ModelName"] if left else ""
        abandoned = packages.of_model(self.aws, group, name=former, limit=None)
        returned = packages.of_model(self.aws, group, name=live_model, limit=None)
        words = f"rolled back by run {self.run['run_key']}"
        if abandoned:
            arn = abandoned["ModelPackageArn"]
            packages.reject_rolled_back(self.aws, arn, words)
        if returned:
            arn = returned["ModelPackageArn"]
            description = f"live again: {former} was {words}"
            packages.mark(
                self.aws,
                arn,
                status=packages.APPROVED,
                description=description,
                stage=packages.LIVE,
                forget=[key for key in packages.OF_THE_PAST if key in packages.metadata(returned)],
            )

    def _golden(self) -> gates.Gate:
        """Whether what is live now answers the golden requests."""
        answers: list[tuple[Any, int | None]] = []
        for golden in self.settings.golden_requests:
            answer = ask(self.aws, self.settings.endpoint_name, request_csv([golden.text]).decode())
            answers.append((golden, labels_of(answer, 1)[0] if answer is not None else None))
        return gates.golden(answers, self.settings.gates.golden)
