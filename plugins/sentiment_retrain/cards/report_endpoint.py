"""The run card's part on the endpoint: what is live, how it came to be, and how to go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.endpoint.updates import was_put_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.runs.run_outputs import RunOutputs

#: Outcomes of a deployment after which the endpoint serves what it served before.
_LEFT_AS_IT_WAS = frozenset({"unchanged", "rolled_back"})


def live_endpoint(outputs: RunOutputs, champion: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The endpoint that is live after the run: the one it deployed or put back, else the champion's."""
    deployment = _deployment(outputs, champion)
    rollback = outputs.part("rollback")
    if rollback.get("endpoint_config_name"):
        deployment = rollback
    pin = rollback["pin"] if "pin" in rollback else outputs.part("run").get("pin")
    said = rollback.get("said") or outputs.part("verification").get("put_back")
    if deployment.get("endpoint_name"):
        return {
            "name": deployment["endpoint_name"],
            "status": deployment.get("status"),
            "containers": deployment.get("containers"),
            "config": deployment.get("endpoint_config_name"),
            "previous_config": deployment.get("previous_endpoint_config_name"),
            "model_name": deployment.get("model_name"),
            "changed": deployment.get("outcome") not in _LEFT_AS_IT_WAS,
            "outcome": deployment.get("outcome"),
            "strategy": deployment.get("strategy"),
            "alarms": deployment.get("alarms"),
            "alarms_left_out": deployment.get("alarms_left_out"),
            "rolled_back_by": deployment.get("rolled_back_by"),
            "autoscaling": deployment.get("autoscaling"),
            "pin": pin,
            "said": said,
        }
    if champion is None:
        return None
    return {
        "name": champion.get("endpoint_name"),
        "status": "InService",
        "containers": champion.get("containers"),
        "config": champion.get("endpoint_config_name"),
        "previous_config": None,
        "model_name": champion.get("model_name"),
        "changed": False,
        "outcome": rollback.get("outcome"),
        "pin": pin,
        "said": said,
    }


def _deployment(outputs: RunOutputs, champion: Mapping[str, Any] | None) -> dict[str, Any]:
    """The deployment; of one that its verification undid what is live again."""
    deployment = outputs.part("deployment")
    if not was_put_back(outputs.part("verification").get("put_back")):
        return deployment
    config = deployment.get("previous_endpoint_config_name")
    is_champion = champion is not None and champion.get("endpoint_config_name") == config
    known = champion if champion is not None and is_champion else {}
    return {
        **deployment,
        "outcome": "rolled_back",
        "endpoint_config_name": config,
        # What a rollback would put back is the model that was just taken off.
        "previous_endpoint_config_name": None,
        "model_name": known.get("model_name"),
        "containers": known.get("containers"),
    }


def next_commands(
    run: Mapping[str, Any], endpoint: Mapping[str, Any] | None, failed: bool
) -> list[dict[str, str]]:
    """What one may want to type next."""
    region = f" --region {run['region']}" if run.get("region") else ""
    commands: list[dict[str, str]] = []
    if failed:
        commands.append({"title": "Run again (finished work is reused)", "command": "make run"})
    if endpoint and endpoint.get("name"):
        name = endpoint["name"]
        commands.append({"title": "Ask the endpoint", "command": 'make predict TEXT="I love it"'})
        if endpoint.get("previous_config"):
            commands.append(
                {
                    "title": "Roll back to what was live before",
                    "command": "make rollback",
                }
            )
            dag = run.get("dag_id") or "review_sentiment_retrain"
            commands.append(
                {
                    "title": "The same on any Airflow",
                    "command": f'airflow dags trigger {dag} --conf \'{{"mode": "rollback"}}\'',
                }
            )
        if endpoint.get("pin"):
            commands.append({"title": "Lift the pin", "command": "make rollback UNPIN=1"})
        elif endpoint.get("changed") and not endpoint.get("previous_config"):
            commands.append(
                {
                    "title": "Take it down (nothing was live before)",
                    "command": f"aws sagemaker delete-endpoint --endpoint-name {name}{region}",
                }
            )
    return commands
