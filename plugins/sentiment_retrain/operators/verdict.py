"""``select_best``: the written verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import naming
from sentiment_retrain.endpoint import pins
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.operators.evaluate import common_test_rows, true_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from sentiment_retrain.verdict.selection import Entrant


class SelectBestModelOperator(RetrainOperator):
    """Chooses the winner, decides what becomes of it and says why. A kept champion is a success.

    :param run: output of ``plan``
    :param datasets: output of ``prepare.datasets``
    :param contenders: outputs of ``train.*``, None where a contender did not run
    :param evaluations: outputs of ``evaluate.*`` of the contenders
    :param champion: output of ``evaluate.champion``, None when nothing is live
    """

    template_fields: Sequence[str] = ("run", "datasets", "contenders", "evaluations", "champion")

    def __init__(
        self, *, datasets: Any, contenders: Any, evaluations: Any, champion: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.contenders = contenders
        self.evaluations = evaluations
        self.champion = champion

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """The verdict of docs/contracts.md section 2; a winner below the floor raises after it is written."""
        from sentiment_retrain.verdict import selection

        trained = {item["contender"]: item for item in self.contenders if item}
        evaluated = [item for item in self.evaluations if item]
        live = self.run["champion"]
        uri = f"{self.run['run_uri']}/verdict.json"
        verdict = selection.select(
            [self._entrant(item, trained[item["contender"]]["job"]["cost_usd"]) for item in evaluated],
            self._entrant(self.champion, None) if self.champion else None,
            true_labels(self.aws, self.datasets),
            selection.Circumstances(
                deploy=self.run["deploy"],
                run_type=self.run["run_type"],
                data_until=self.datasets["data_until"],
                champion_data_until=(live or {}).get("data_until") or None,
                pin=pins.explain(pin) if (pin := self.run.get("pin")) else None,
            ),
            self.settings.selection,
            self.settings.gates.floor,
            uri,
        )
        drifted = self._concept_drift(uri)
        verdict["gates"].append(drifted["gate"])
        winner = next(item for item in evaluated if item["contender"] == verdict["winner"])
        verdict |= {key: winner[key] for key in ("containers", "predictions_uri")} | {"verdict_uri": uri}
        verdict |= {"concept_drift": drifted["found"], "confusion_matrix": winner["test"]["confusion_matrix"]}
        self.aws.put_json(uri, verdict)
        self.log.info("verdict: %s (%s). %s", verdict["winner"], verdict["action"], verdict["reason"])
        return self.settle(verdict["gates"], verdict)

    def _concept_drift(self, evidence_uri: str) -> dict[str, Any]:
        """``found`` (None where nothing could be compared) and ``gate``, as a dictionary."""
        from sentiment_retrain.verdict import gates_drift

        found = self._champion_then_and_now()
        limits = self.settings.gates
        gate = gates_drift.concept_drift(found, limits.concept_drift, limits.drift.significance, evidence_uri)
        return {"found": None if isinstance(found, str) else found, "gate": gate.as_dict()}

    def _champion_then_and_now(self) -> dict[str, Any] | str:
        """The champion on its own test rows and on rows of sources that its run did not have, or why not."""
        import numpy as np

        from sentiment_retrain.analysis import concept
        from sentiment_retrain.verdict import evaluation

        live = self.run["champion"]
        if not live or not self.champion:
            return "no champion to ask"
        origin = f"s3://{self.run['bucket']}/runs/{live['run_key']}"
        before = self.aws.find_json(f"{origin}/verdict.json") or {}
        sources = (self.aws.find_json(f"{origin}/plan.json") or {}).get("sources")
        matrix = before.get("confusion_matrix")
        if not matrix or sources is None or before["model_fingerprint"] != live["model_fingerprint"]:
            return "the champion's own run did not leave how it was tested"
        known = {source["sha256"][: naming.PATH_FINGERPRINT_LENGTH] for source in sources}
        rows = common_test_rows(self.aws, self.datasets)
        lines = self.aws.get_bytes(self.champion["predictions_uri"]).decode().splitlines()
        predicted = evaluation.parse_predictions(lines, len(rows)).labels
        new = [i for i, row in enumerate(rows) if row["review_id"].split("-")[0] not in known]
        if not new:
            return "no test review is newer than the champion"
        rules = self.settings.selection
        now = evaluation.confusion_matrix(
            np.asarray([int(rows[i]["sentiment"]) for i in new], dtype=np.int64), predicted[new]
        )
        return concept.compare(
            matrix,
            now.tolist(),
            confidence=rules.confidence,
            samples=rules.bootstrap_samples,
            seed=rules.seed,
        )

    def _entrant(self, evaluated: Mapping[str, Any], cost_usd: float | None) -> Entrant:
        from sentiment_retrain.verdict import evaluation, selection

        lines = self.aws.get_bytes(evaluated["predictions_uri"]).decode().splitlines()
        return selection.Entrant(
            name=evaluated["contender"],
            test=evaluated["test"],
            predicted=evaluation.parse_predictions(lines).labels.tolist(),
            model_name=evaluated["model_name"],
            model_fingerprint=evaluated["model_fingerprint"],
            cost_usd=cost_usd,
            latency_ms=1000 * evaluated["job"]["billable_seconds"] / evaluated["test"]["n"],
        )
