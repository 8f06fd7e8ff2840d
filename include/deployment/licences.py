"""`python include/deployment/licences.py REQUIREMENTS`: packages whose licence the OSI has not approved.

Run with the interpreter of the environment that REQUIREMENTS was installed into; packages of other platforms
are not there and left out. Exit code 1 when there are any. What is let pass stands in accepted.toml.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ACCEPTED = Path(__file__).with_name("accepted.toml")
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
#: Of https://opensource.org/licenses those that occur and their usual neighbours, by SPDX identifier.
APPROVED = frozenset(
    {
        "0BSD", "AFL-2.1", "AFL-3.0", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause",
        "BSL-1.0", "CNRI-Python", "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.2", "GPL-2.0-only",
        "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "HPND", "ISC", "LGPL-2.1", "LGPL-2.1-only",
        "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0",
        "NCSA", "OFL-1.1",
        # The first part of Python-2.0, which is what was approved.
        "PSF-2.0", "PostgreSQL", "Python-2.0", "UPL-1.0", "Unlicense", "W3C", "ZPL-2.1", "Zlib",
    }
)  # fmt: skip
#: What older packages write into the free field ``License`` for one of these.
WRITTEN = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "mit license": "MIT",
}
_OSI = "License :: OSI Approved"
_OPERATORS = re.compile(r"\s+(?:AND|OR|WITH\s+\S+)(?=\s|$)|[()]")


def pins(requirements: str) -> dict[str, str]:
    """Version by normalized name (PEP 503) of each pin in the text of a requirements file."""
    return {normalized(name): version for name, version in PIN.findall(requirements)}


def normalized(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def refused(fields: Any) -> list[str] | None:
    """What of a package's licence is not approved; None where its metadata name none.

    Every part of an expression has to be approved: that is stricter than OR, and simple.

    :param fields: core metadata, as importlib.metadata gives it
    """
    expression = fields.get("License-Expression")
    classifiers = [text for text in fields.get_all("Classifier") or [] if text.startswith("License ::")]
    if not expression and classifiers:
        return [text for text in classifiers if not text.startswith(_OSI)]
    written = (expression or fields.get("License") or "").strip()
    if not written or written.upper() == "UNKNOWN":
        return None
    first = written.splitlines()[0].strip()
    parts = [part.strip() for part in _OPERATORS.split(WRITTEN.get(first.lower(), first)) if part.strip()]
    return [part for part in parts if part not in APPROVED]


def problems(requirements: str, accepted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Package and what is wrong, for each package of the file that is installed here."""
    licences, undeclared = accepted.get("licences", {}), accepted.get("undeclared", {})
    for name in pins(requirements):
        try:
            found = refused(metadata.metadata(name))
        except metadata.PackageNotFoundError:
            continue
        if found is None and name not in undeclared:
            yield name, "names no licence"
        for part in found or ():
            if name not in licences.get(part, {}).get("packages", ()):
                yield name, f"{part} is not approved by the OSI"


def main(path: str) -> int:
    """Print the problems of one file."""
    accepted = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))
    found = list(problems(Path(path).read_text(encoding="utf-8"), accepted))
    for name, problem in found:
        sys.stdout.write(f"{path}: {name}: {problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
