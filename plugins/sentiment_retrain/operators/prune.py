"""``deploy.prune``: old endpoint configurations and models go, by policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import errors
from sentiment_retrain.endpoint import history, pins
from sentiment_retrain.endpoint.pruning import excess
from sentiment_retrain.endpoint.updates import pending_config
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class PruneModelsOperator(RetrainOperator):
    """Deletes endpoint configurations and models of ours beyond the newest ``deployment.keep``.

    What any endpoint of the account runs, what ours would go back to, what is pinned and what this run has
    evaluated stays. A deleted model can still be rolled back to: its package has its containers.

    :param run: output of ``plan``
    :param evaluations: outputs of ``evaluate.*``, None where one did not run
    """

    template_fields: Sequence[str] = ("run", "evaluations")

    def __init__(self, *, evaluations: Any = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.evaluations = evaluations

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Delete and hand on ``configs, models``: the names that are gone."""
        prefix = self.settings.prefix
        configs = self._names("list_endpoint_configs", "EndpointConfigs", f"{prefix}-endpoint-")
        models = self._names("list_models", "Models", f"{prefix}-model-")
        models_of = {name: self._models_of(name) for name in configs}
        found = excess(
            configs,
            models,
            models_of=models_of,
            needed_configs=self._needed_configs(),
            needed_models={one["model_name"] for one in self.evaluations or () if one},
            keep=self.settings.deployment.keep,
        )
        for name in found.configs:
            self._delete("delete_endpoint_config", EndpointConfigName=name)
        for name in found.models:
            self._delete("delete_model", ModelName=name)
        self.log.info(
            "kept %d configurations and %d models, deleted %d and %d",
            len(configs) - len(found.configs),
            len(models) - len(found.models),
            len(found.configs),
            len(found.models),
        )
        return {"configs": found.configs, "models": found.models}

    def _names(self, operation: str, key: str, prefix: str) -> list[str]:
        """Our names in a listing, oldest first."""
        pages = self.aws.client("sagemaker").get_paginator(operation)
        name_key = key.removesuffix("s") + "Name"
        listed = pages.paginate(NameContains=prefix, SortBy="CreationTime", SortOrder="Ascending")
        found = [item[name_key] for page in listed for item in page[key]]
        return [name for name in found if name.startswith(prefix)]

    def _models_of(self, config: str) -> list[str]:
        found = self.aws.find("describe_endpoint_config", EndpointConfigName=config) or {}
        variants = [*found.get("ProductionVariants", []), *found.get("ShadowProductionVariants", [])]
        return [variant["ModelName"] for variant in variants]

    def _needed_configs(self) -> set[str]:
        """What any endpoint runs or is about to run, and what ours would go back to or is pinned to."""
        needed: set[str] = set()
        for page in self.aws.client("sagemaker").get_paginator("list_endpoints").paginate():
            for item in page["Endpoints"]:
                endpoint = self.aws.find("describe_endpoint", EndpointName=item["EndpointName"])
                if endpoint is None:
                    continue
                pending = pending_config(endpoint)
                needed |= {endpoint["EndpointConfigName"], *([pending] if pending else [])}
                if endpoint["EndpointName"] == self.settings.endpoint_name:
                    tags = self.aws.tags(endpoint["EndpointArn"])
                    before = history.previous_config(tags, endpoint["EndpointConfigName"])
                    needed |= {before} if before else set()
        pin = pins.find_pin(self.aws, self.run["bucket"], self.settings.endpoint_name)
        return needed | ({pin["endpoint_config_name"]} if pin else set())

    def _delete(self, operation: str, **name: str) -> None:
        """Delete one; what cannot be deleted now is tried again by the next run."""
        try:
            self.aws.sagemaker(operation, **name)
        except errors.RetrainError as error:
            self.log.warning("%s %s: %s", operation, name, error)
        else:
            self.log.info("%s %s", operation, *name.values())
