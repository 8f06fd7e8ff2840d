"""``approve``: whether the registered winner may be deployed, by rule or by somebody's decision."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws import packages
from sentiment_retrain.endpoint.triggers import ApprovalTrigger
from sentiment_retrain.notifications import messages, sending, telling
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

APPROVE, REJECT = "Approve", "Reject"
ASKED_BY, ASKED_AT = packages.ASKED_BY, "approval_asked_at"


class ApproveModelOperator(RetrainOperator):
    """``approval: auto`` approves; ``manual`` asks and waits, without a worker, for whoever is first.

    The question stands under *Required Actions* in Airflow's UI; setting ModelApprovalStatus in the registry
    answers it as well. A model that was rejected before, or rolled back, is not asked about again.

    :param run: output of ``plan``
    :param verdict: output of ``select_best``
    :param registration: output of ``register_model``
    """

    template_fields: Sequence[str] = ("run", "verdict", "registration")

    def __init__(self, *, verdict: Any, registration: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.verdict = verdict
        self.registration = registration

    @property
    def arn(self) -> str:
        """ARN of the package in question."""
        return str(self.registration["model_package_arn"])

    def work(self, context: Context) -> dict[str, Any]:
        """Decide or ask; hands on ``decision, by, at, how, reason``."""
        if self.verdict["action"] != "deploy":
            raise AirflowSkipException(self.verdict["reason"])
        package = packages.describe(self.aws, self.arn) or {}
        status, known = package.get("ModelApprovalStatus"), packages.metadata(package)
        if status == packages.REJECTED and self._is_final(known):
            # Approving it in the registry lifts this.
            reason = package.get("ApprovalDescription") or "no reason given"
            said = f"this very model was rejected before ({reason}); approving {self.arn} lifts that"
            raise self._skipped(context, self._decision("rejected", "an earlier decision", "registry", said))
        if status == packages.APPROVED:
            by = known.get("approved_by") or packages.decided_by(package)
            return self._decision("approved", by, "registry", "this model is approved already")
        if self.run["approval"] == "manual":
            return self._ask(context)
        how = f"deploy: {self.run['deploy']}, approval: auto"
        return self._approve(f"run {self.run['run_key']}", "rule", how)

    def _is_final(self, known: Mapping[str, str]) -> bool:
        """Whether a rejection was meant: one for want of time is not, and ``deploy: force`` overrules any."""
        return known.get(packages.BECAUSE) not in packages.NOT_MEANT and self.run["deploy"] != "force"

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on with the answer: of the UI, of the registry, or none."""
        return dict(self.guarded(context, lambda: self._settle_answer(context, event)))

    # --- asking ---------------------------------------------------------------------------------------------

    def _ask(self, context: Context) -> dict[str, Any]:
        """Put the question to Airflow's UI and wait for an answer there or in the registry."""
        from airflow.sdk.execution_time.hitl import upsert_hitl_detail

        rules = self.settings.approval
        deadline = self._asked_at() + rules.deadline_hours * 3600
        subject = f"Deploy {self.verdict['winner']} to {self.settings.endpoint_name}?"
        body = question(
            self.run, self.verdict, self.registration, self._card_link(context, deadline), deadline
        )
        task = context["ti"]
        options = [APPROVE, REJECT]
        # The API refuses params of None, the default of this function.
        upsert_hitl_detail(ti_id=task.id, options=options, subject=subject, body=body, params={})
        self.log.info("%s\n%s", subject, body)
        self._tell(context, deadline)
        self.defer(
            trigger=ApprovalTrigger(
                arn=self.arn,
                region=self.run["region"],
                poll_seconds=self.settings.poll_seconds,
                deadline=deadline,
                reminder_seconds=rules.reminder_hours * 3600,
                subject=subject,
                topic_arn=rules.topic_arn,
            ),
            method_name="resume",
        )

    def _tell(self, context: Context, deadline: float) -> None:
        """Tell who is to decide, once a run."""
        dag_run = context["dag_run"]
        html_uri = f"{self.run['run_uri']}/card.html"
        message = messages.of_question(
            self.verdict,
            self.settings.endpoint_name,
            self.arn,
            telling.card_link(dag_run.dag_id, dag_run.run_id, html_uri),
            _readable(deadline),
            sending.live_now(self.aws, self.settings, self.log),
        )
        if sending.claim(self.aws, self.run["bucket"], self.run["run_key"], sending.ASKED, dag_run):
            topic = self.settings.approval.topic_arn
            sending.send(message, self.settings, self.log, [topic] if topic else [], self.aws)

    def _asked_at(self) -> float:
        """When this run asked first, seconds since the epoch: a further try does not extend the deadline.

        One that was too late and is cleared asks anew.
        """
        package = packages.describe(self.aws, self.arn) or {}
        known = packages.metadata(package)
        is_pending = package.get("ModelApprovalStatus") == packages.PENDING
        if is_pending and known.get(ASKED_BY) == self.run["run_key"]:
            return float(known[ASKED_AT])
        now = f"{time.time():.0f}"
        properties = {ASKED_BY: self.run["run_key"], ASKED_AT: now, packages.BECAUSE: "a decision"}
        packages.mark(self.aws, self.arn, status=packages.PENDING, **properties)
        return float(now)

    def _card_link(self, context: Context, deadline: float) -> str:
        """Address of the run card as far as the run has got."""
        from sentiment_retrain.operators.report import PublishReportOperator

        operator = PublishReportOperator(task_id="card_before_approval", run=self.run)
        card = operator.publish(context)
        return self.aws.link(card["html_uri"], int(deadline - time.time()))

    # --- answers --------------------------------------------------------------------------------------------

    def _settle_answer(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        package = packages.describe(self.aws, self.arn) or {}
        status = package.get("ModelApprovalStatus", packages.REJECTED)
        # Whichever came first: a decision in the registry stands, even where the UI answers a moment later.
        if status in packages.DECIDED:
            return self._registry_decided(context, package, status)
        if event.get("chosen_options"):
            return self._ui_decided(context, event)
        hours = self.settings.approval.deadline_hours
        words = f"nobody decided within {hours:g} hours (run {self.run['run_key']})"
        self._reject(words, rejected_because=packages.TIMEOUT)
        error = errors.ApprovalTimedOut(
            f"{words}; {self.arn} is Rejected and not deployed",
            "Approve or Reject under Required Actions in Airflow, or in the model registry",
        )
        error.result = self._decision("timed out", "nobody", "deadline", words)  # type: ignore[attr-defined]
        raise error

    def _reject(self, words: str, **properties: str) -> None:
        packages.mark(
            self.aws,
            self.arn,
            status=packages.REJECTED,
            description=words,
            stage=packages.NOT_DEPLOYED,
            **properties,
        )

    def _registry_decided(self, context: Context, package: Mapping[str, Any], status: str) -> dict[str, Any]:
        by = packages.decided_by(package)
        words = package.get("ApprovalDescription") or f"{status} in the registry"
        if status == packages.APPROVED:
            return self._approve(by, "registry", words)
        packages.mark(self.aws, self.arn, stage=packages.NOT_DEPLOYED, rejected_by=by)
        raise self._skipped(context, self._decision("rejected", by, "registry", words))

    def _ui_decided(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        user = event.get("responded_by_user") or {}
        by = str(user.get("name") or user.get("id") or "somebody in Airflow")
        if event["chosen_options"] == [APPROVE]:
            return self._approve(by, "Airflow", f"approved by {by} in Airflow (run {self.run['run_key']})")
        words = f"rejected by {by} in Airflow (run {self.run['run_key']})"
        self._reject(words, rejected_by=by)
        raise self._skipped(context, self._decision("rejected", by, "Airflow", words))

    def _approve(self, by: str, how: str, words: str) -> dict[str, Any]:
        packages.mark(
            self.aws,
            self.arn,
            status=packages.APPROVED,
            description=f"approved: {words}",
            approved_by=by,
            approved_at=packages.now(),
            approved_how=how,
        )
        return self._decision("approved", by, how, words)

    def _decision(self, decision: str, by: str, how: str, reason: str) -> dict[str, Any]:
        found = {"decision": decision, "by": by, "at": packages.now(), "how": how, "reason": reason}
        self.log.info("%s by %s (%s): %s", decision, by, how, reason)
        return found

    def _skipped(self, context: Context, decision: dict[str, Any]) -> AirflowSkipException:
        """A no is a good end: what follows is skipped, and the card still gets the decision."""
        context["ti"].xcom_push(key="return_value", value=decision)
        return AirflowSkipException(f"not deployed: {decision['reason']}")


def question(
    run: Mapping[str, Any],
    verdict: Mapping[str, Any],
    registration: Mapping[str, Any],
    card_link: str,
    deadline: float,
) -> str:
    """What the approver reads, in Markdown.

    :param deadline: seconds since the epoch
    """
    rows = [
        f"| {name}{' (winner)' if name == verdict['winner'] else ''} | {score['value']:.3f} "
        f"| {score['interval'][0]:.3f} to {score['interval'][1]:.3f} |"
        for name, score in verdict["scores"].items()
    ]
    live = (run.get("champion") or {}).get("model_name")
    lines = [
        verdict["reason"],
        "",
        f"| model | {verdict['metric']} | interval |",
        "|---|---|---|",
        *rows,
        "",
        f"* The whole [run card]({card_link})",
        f"* Replaces: {live or 'nothing, no model is live'}",
        f"* Model package: `{registration['model_package_arn']}`; its status in the registry decides too",
        f"* Without a decision until {_readable(deadline)} the model is rejected",
    ]
    return "\n".join(lines)


def _readable(moment: float) -> str:
    """Seconds since the epoch as people read them."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))
