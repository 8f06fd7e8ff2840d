"""An Airflow API server with our pages, a stand-in with cards in its bucket, and people who sign in."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import random
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import guardian
import httpx
import pandas as pd

from launcher import airflow, localaws, processes
from launcher.places import AIRFLOW_PYTHON, Places
from launcher.ports import HOST
from sentiment_retrain import naming
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.cards import card_html, figures, report, timeline
from sentiment_retrain.cards.exploration_plots import draw_exploration
from sentiment_retrain.cards.paths import DAG_ID, PREFIX
from sentiment_retrain.data import exploration
from sentiment_retrain.operators.approve import APPROVE, REJECT, question
from unit import sample_cards

if TYPE_CHECKING:
    from pathlib import Path

USERS = {"admin": "admin", "viewer": "viewer"}
ATTACK = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
FIRST_DAY = dt.date(2026, 3, 1)
START_SECONDS = 240.0
#: What the Execution API does for a task that asks a person and waits (airflow.sdk.execution_time.hitl).
_ASK = """
import json, sys
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

asked = json.loads(sys.argv[1])
with create_session() as session:
    query = select(TaskInstance).filter_by(run_id=asked["run_id"], task_id="approve")
    task = session.scalars(query).one()
    task.state = TaskInstanceState.DEFERRED
    session.add(HITLDetail(
        ti_id=task.id, options=asked["options"], subject="Deploy autopilot to sentiment-retrain?",
        body=asked["body"], params={},
    ))
"""


@dataclass
class World:
    """What runs, and how to speak to it."""

    places: Places
    url: str
    aws: Aws
    environment: dict[str, str]

    @classmethod
    def start(cls, directory: Path) -> World:
        """Start the stand-in and an API server; the DAG is known, paused, and has no runs."""
        places = Places(directory)
        guardian.sweep_after_us(places.local)
        stand_in = localaws.start(places)
        # Not one of the usual ports: whoever starts an Airflow meanwhile looks there first.
        url = f"http://{HOST}:{_unused_port()}"
        environment = _environment(places, url, stand_in.url)
        airflow.migrate(places, environment)
        _known_dag(places, environment)
        server = processes.start(
            places,
            airflow.API_SERVER,
            [AIRFLOW_PYTHON, "-m", "airflow", "api-server"],
            environment,
            url=url,
            directory=places.airflow_home,
        )
        localaws.wait(stand_in)
        localaws.prepare_account(stand_in.url)
        processes.wait_until(lambda: _answers(url) and processes.listens(server), server, START_SECONDS)
        os.environ.update(localaws.client_environment(stand_in.url))
        return cls(places, url, Aws(localaws.REGION), environment)

    def stop(self) -> None:
        """Stop both."""
        processes.stop(self.places, [airflow.API_SERVER, localaws.NAME])
        for child in processes._children.values():
            child.wait(START_SECONDS)

    def token(self, user: str) -> str:
        """What Airflow gives a user who signs in."""
        credentials = {"username": user, "password": f"{user}-password"}
        answer = httpx.post(f"{self.url}/auth/token", json=credentials, timeout=60)
        return str(answer.raise_for_status().json()["access_token"])

    def client(self, user: str | None) -> httpx.Client:
        """A browser of this user; None for nobody."""
        cookies = {"_token": self.token(user)} if user else {}
        return httpx.Client(base_url=self.url, cookies=cookies, timeout=60)

    def page(self, name: str, run_id: str | None = None) -> str:
        """Path of one of our pages."""
        run = f"/runs/{run_id}" if run_id else ""
        return f"{PREFIX}/dags/{DAG_ID}{run}/{name}"

    def create_run(self, run_id: str) -> None:
        """A run that Airflow knows; the paused DAG leaves it queued."""
        headers = {"Authorization": f"Bearer {self.token('admin')}"}
        answer = httpx.post(
            f"{self.url}/api/v2/dags/{DAG_ID}/dagRuns",
            headers=headers,
            json={"dag_run_id": run_id, "logical_date": None},
            timeout=60,
        )
        answer.raise_for_status()

    def ask(self, run_id: str) -> None:
        """The question of the task ``approve``, in its own words; no scheduler runs the task here."""
        body = question(
            {"champion": None},
            _card()["verdict"],
            {"model_package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/x/1"},
            "https://example.com/card",
            time.time() + 3600,
        )
        asked = {"run_id": run_id, "options": [APPROVE, REJECT], "body": body}
        self.airflow_python(_ASK, json.dumps(asked))

    def airflow_python(self, program: str, argument: str) -> None:
        """Run a program on Airflow's own database, as only Airflow's processes may."""
        command = [str(AIRFLOW_PYTHON), "-c", program, argument]
        subprocess.run(
            command,
            env=self.environment,
            cwd=self.places.airflow_home,
            check=True,
            capture_output=True,
            timeout=240,
        )

    def put_run(self, run_id: str, day: dt.date, *, with_figures: bool = True, **changes: Any) -> str:
        """The card of a made-up run in the bucket, as the task ``report`` leaves it; gives its run key."""
        run_key = naming.run_key(DAG_ID, run_id, day)
        folder = f"s3://{localaws.BUCKET}/runs/{run_key}"
        card = {
            **_card(),
            "run_key": run_key,
            "run_id": run_id,
            "created_at": f"{day}T04:00:00+00:00",
            **changes,
        }
        self.aws.put_json(f"{folder}/card.json", card)
        if with_figures:
            found = exploration.explore(_reviews())
            self.aws.put_json(f"{folder}/reviews.json", found)
            drawings = figures.document(card_html.draw(card), draw_exploration(found))
            self.aws.put_json(f"{folder}/figures.json", drawings)
        return run_key

    def put_endpoint(self, name: str, tag: str) -> str:
        """The one resource with a state that can be made in no time: an endpoint, with a tag."""
        if self.aws.find("describe_endpoint", EndpointName=name) is None:
            model = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"}
            self.aws.sagemaker(
                "create_model", ModelName=name, PrimaryContainer=model, ExecutionRoleArn=localaws.ROLE_ARN
            )
            variant = {
                "VariantName": "v",
                "ModelName": name,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
            self.aws.sagemaker(
                "create_endpoint_config", EndpointConfigName=name, ProductionVariants=[variant]
            )
            tags = [{"Key": tag, "Value": "20260301-x"}]
            self.aws.sagemaker("create_endpoint", EndpointName=name, EndpointConfigName=name, Tags=tags)
        return name

    def put_history(self, runs: int) -> None:
        """Cards of so many days, with metrics that wander, and their index."""
        chance = random.Random(11)
        for number in range(runs):
            day = FIRST_DAY + dt.timedelta(days=number)
            self.put_run(
                f"scheduled__{day}T02:00:00+00:00", day, with_figures=False, **_wandering(number, chance)
            )
        timeline.read_timeline(self.aws, localaws.BUCKET)


def _environment(places: Places, url: str, aws_url: str) -> dict[str, str]:
    airflow.password(places)
    passwords = places.airflow_home / "passwords.json"
    passwords.write_text(json.dumps({user: f"{user}-password" for user in USERS}))
    users = ",".join(f"{user}:{role}" for user, role in USERS.items())
    return airflow.environment(places, url, aws_url) | {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users,
        "AIRFLOW__API__WORKERS": "1",
    }


def _known_dag(places: Places, environment: dict[str, str]) -> None:
    command = [str(AIRFLOW_PYTHON), "-m", "airflow", "dags", "reserialize"]
    subprocess.run(
        command, env=environment, cwd=places.airflow_home, check=True, capture_output=True, timeout=240
    )


def _unused_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/version", timeout=10).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@functools.cache
def _card() -> dict[str, Any]:
    """A whole run whose source, and so whose card, is hostile."""
    outputs = sample_cards.whole_run()
    card = report.build_card(outputs, run_key="x", run_id="y", created_at="2026-11-22T16:00:00+00:00")
    attacked = card["data"] | {"categories": {**card["data"]["categories"], ATTACK: 40}}
    gate = {**card["gates"][0], "observed": f"{card['gates'][0]['observed']}: {ATTACK}"}
    return {**card, "dag_id": DAG_ID, "data": attacked, "gates": [gate, *card["gates"][1:]]}


def _reviews() -> pd.DataFrame:
    chance = random.Random(7)
    names = [ATTACK, "Dresses", "Knits", "Blouses", "Sweaters", "Pants", "Jeans", "Skirts"]
    return pd.DataFrame(
        [
            (
                " ".join(["word"] * max(2, int(chance.gauss(60, 25)))),
                names[int(chance.random() ** 2 * 8)],
                label,
            )
            for label in chance.choices([-1, 0, 1], [1, 1, 6], k=800)
        ],
        columns=["review_body", "product_category", "sentiment"],
    )


def _wandering(number: int, chance: random.Random) -> dict[str, Any]:
    """What differs from run to run."""
    card = _card()
    level = 0.55 + 0.0006 * number + chance.gauss(0, 0.008)
    test = card["contenders"]["autopilot"]["test"]
    scored = {
        **test,
        "macro_f1": level,
        "intervals": {**test["intervals"], "macro_f1": [level - 0.02, level + 0.02]},
    }
    changed = number % 17 == 0
    measures = {
        name: {**measure, "value": abs(chance.gauss(0.02 + 0.0004 * (number % 17), 0.01))}
        for name, measure in card["drift"]["measures"].items()
    }
    return {
        "status": "failed" if number % 41 == 40 else "success",
        "contenders": {
            **card["contenders"],
            "autopilot": {**card["contenders"]["autopilot"], "test": scored},
        },
        "verdict": {
            **card["verdict"],
            "winner": "autopilot",
            "action": "deploy" if changed else "keep_champion",
        },
        "endpoint": {**card["endpoint"], "changed": changed},
        "drift": {**card["drift"], "measures": measures},
        "cost": {**card["cost"], "jobs_usd": round(chance.uniform(1, 6), 2)},
    }
