"""`make audit`: known vulnerabilities and licences of the pinned packages, file by file.

pip-audit asks a vulnerability service of each pinned version: the package index's own (`pypi`) or osv.dev
(`--service osv`). Where the service cannot be reached, or knows nothing of the pinned versions, as most
mirrors of the index do, nothing was audited, and that is what is said.

Exit codes: 0 nothing is known; 1 a known vulnerability or a licence that is not approved; 3 the licences are
in order and the vulnerabilities were not, or not all, asked for. (`make` itself always exits 2 when a command
fails, and names the code.)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from licences import ACCEPTED, pins  # noqa: E402  found on the path that was just set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
PIP_AUDIT = "pip-audit==2.10.1"
FINE, FOUND, NOT_ASKED = 0, 1, 3
FILES = (
    "requirements.txt",
    "requirements-celery.txt",
    "requirements-dev.txt",
    "include/localaws/requirements.txt",
)
#: Environments that have what a file pins for run time.
ENVIRONMENTS = {"requirements.txt": ".venv", "include/localaws/requirements.txt": ".venv-localaws"}
LINE = "{:<36} {:>6} {:>6} {:>10} {:>10}\n"


@dataclass
class Answer:
    """What a service said of one file.

    :param pinned: how many packages the file pins, those for other platforms, which are not asked for, too
    :param asked: of how many the service knows the version
    :param unknown: of how many it does not
    :param found: name, version, ids and versions with a repair of each vulnerability
    :param failure: why there is no answer at all, empty if there is one
    """

    pinned: int
    asked: int = 0
    unknown: int = 0
    found: list[tuple[str, str, list[str], list[str]]] = field(default_factory=list)
    failure: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every pin was answered."""
        return not self.failure and not self.unknown and self.asked > 0

    def known(self, accepted: Mapping[str, str]) -> Iterator[tuple[str, str, list[str], list[str]]]:
        """The vulnerabilities that nobody has accepted."""
        return (found for found in self.found if not set(found[2]) & accepted.keys())


def parse(pinned: int, output: str, errors: str) -> Answer:
    """What pip-audit's JSON says, or the last line of its complaint where there is none."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        lines = errors.strip().splitlines()
        return Answer(pinned, failure=lines[-1] if lines else "no answer and no reason")
    answer = Answer(pinned)
    for one in dependencies:
        if "skip_reason" in one:
            answer.unknown += 1
            continue
        answer.asked += 1
        for known in one["vulns"]:
            ids = [known["id"], *known.get("aliases", [])]
            answer.found.append((one["name"], one["version"], ids, known.get("fix_versions", [])))
    return answer


def ask(path: Path, service: str) -> Answer:
    """Ask a service of every pin of a file; takes about a minute."""
    options = ["--format", "json", "--progress-spinner", "off", "--require-hashes", "--disable-pip"]
    done = subprocess.run(
        [
            *(os.environ.get("UV", "uv"), "tool", "run", PIP_AUDIT),
            *("--vulnerability-service", service, *options, "--requirement", str(path)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return parse(len(pins(path.read_text(encoding="utf-8"))), done.stdout, done.stderr)


def table(answers: Mapping[str, Answer], accepted: Mapping[str, str], service: str) -> Iterator[str]:
    """What is printed of the answers, line by line."""
    yield LINE.format("file", "pinned", "asked", "vulnerable", "accepted")
    for name, answer in answers.items():
        known = list(answer.known(accepted))
        yield LINE.format(name, answer.pinned, answer.asked, len(known), len(answer.found) - len(known))
        for package, version, ids, repaired in known:
            repair = ", ".join(repaired) or "no version"
            yield f"  {package} {version}: {', '.join(ids)}; repaired in {repair}\n"
    failures = sorted({answer.failure for answer in answers.values() if answer.failure})
    partial = [name for name, answer in answers.items() if not answer.is_whole]
    if partial:
        yield f"\nNOT AUDITED by the service {service}, or not wholly: {', '.join(partial)}\n"
        yield from (f"  it could not be asked: {failure}\n" for failure in failures)
        if not failures:
            yield "  it does not know these versions: a mirror of the index without its advisories.\n"
        yield "  Try SERVICE=osv (or pypi), or from a machine that reaches pypi.org itself.\n"


def verdict(answers: Mapping[str, Answer], accepted: Mapping[str, str], licences: bool) -> int:
    """The exit code.

    :param licences: whether they are in order
    """
    if not licences or any(list(answer.known(accepted)) for answer in answers.values()):
        return FOUND
    return FINE if all(answer.is_whole for answer in answers.values()) else NOT_ASKED


def licences_are_in_order() -> bool:
    """Whether those of both environments are approved; says which are not."""
    program = str(Path(__file__).with_name("licences.py"))
    results = [
        subprocess.run(
            [str(CHECKOUT / environment / "bin" / "python"), program, path], cwd=CHECKOUT, check=False
        )
        for path, environment in ENVIRONMENTS.items()
    ]
    return not any(done.returncode for done in results)


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit all files."""
    parser = argparse.ArgumentParser(description="Known vulnerabilities and licences of the pinned packages.")
    parser.add_argument("--service", default="pypi", choices=["pypi", "osv"])
    options = parser.parse_args(arguments)
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8")).get("advisories", {})
    in_order = licences_are_in_order()
    if in_order:
        sys.stdout.write("licences: all packages of both environments are under approved ones\n\n")
    answers = {name: ask(CHECKOUT / name, options.service) for name in FILES}
    sys.stdout.writelines(table(answers, accepted, options.service))
    return verdict(answers, accepted, in_order)


if __name__ == "__main__":
    sys.exit(main())
