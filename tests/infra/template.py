"""The CloudFormation template as data: parameters filled in, references resolved as far as IAM needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
PATH = CHECKOUT / "include" / "infra" / "sentiment-retrain.yaml"
ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "sentiment-retrain"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!Ref x`` is ``{"Ref": "x"}``."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise ValueError(f"unexpected node at {node.start_mark}")


_Loader.add_multi_constructor("!", _short_form)


def load() -> dict[str, Any]:
    """The template, not resolved."""
    return dict(yaml.load(PATH.read_text(), _Loader))  # noqa: S506 - a SafeLoader that knows more tags


class Template:
    """The template with its default parameters, in one account and region."""

    def __init__(self) -> None:
        self.document = load()
        self.resources: dict[str, dict[str, Any]] = self.document["Resources"]
        self._values = {name: rule["Default"] for name, rule in self.document["Parameters"].items()}
        self._values |= {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
        self._values |= {"AWS::StackName": STACK}

    def properties(self, name: str) -> dict[str, Any]:
        """Properties of a resource, resolved."""
        return dict(self._resolved(self.resources[name]["Properties"]))

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resolved properties of every resource of a type."""
        return {n: self.properties(n) for n, found in self.resources.items() if found["Type"] == kind}

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Every statement of a role's policies: attached, inline and laid upon it afterwards."""
        properties = self.properties(role)
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for arn in properties.get("ManagedPolicyArns", []):
            documents.append(self.properties(arn.rpartition("/")[2])["PolicyDocument"])
        for laid in self.of_type("AWS::IAM::Policy").values():
            documents += [laid["PolicyDocument"]] * (self.arn(role) in laid["Roles"])
        return [statement for document in documents for statement in document["Statement"]]

    def arn(self, name: str) -> str:
        """ARN of a resource, with the name that it has when the stack chooses it."""
        kind = self.resources[name]["Type"]
        return {
            "AWS::S3::Bucket": lambda: f"arn:aws:s3:::{self.properties(name)['BucketName']}",
            "AWS::IAM::Role": lambda: f"arn:aws:iam::{ACCOUNT}:role/{STACK}-{name}-1",
            "AWS::IAM::ManagedPolicy": lambda: f"arn:aws:iam::{ACCOUNT}:policy/{name}",
            "AWS::SNS::Topic": lambda: f"arn:aws:sns:{REGION}:{ACCOUNT}:{self.properties(name)['TopicName']}",
        }[kind]()

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(key, inner)] = value.items()
            if key == "Ref":
                return self._reference(inner)
            if key == "Fn::GetAtt":
                return self.arn(inner.removesuffix(".Arn"))
            if key == "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._named(found[1])), inner)
            if key == "Fn::If":
                return self._resolved(inner[2])
        return {key: self._resolved(item) for key, item in value.items()}

    def _named(self, name: str) -> Any:
        return self.arn(name[:-4]) if name.endswith(".Arn") else self._reference(name)

    def _reference(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        kind = self.resources[name]["Type"]
        if kind == "AWS::S3::Bucket":
            return self.properties(name)["BucketName"]
        if kind == "AWS::Athena::WorkGroup":
            return self.properties(name)["Name"]
        if kind == "AWS::Glue::Database":
            return self.properties(name)["DatabaseInput"]["Name"]
        return self.arn(name)
