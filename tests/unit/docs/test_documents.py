"""What documents promise: links lead somewhere, commands exist, samples are of the form they claim."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from sentiment_retrain.settings import load_settings, merged, parse_settings

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_MAKE = re.compile(r"(?:^|`|&& |; )(?:[A-Z_]+=\S+ )*make (?P<target>[a-z][a-z-]*)", re.MULTILINE)
_COMMAND = re.compile(
    r"^(?:make|export|aws|git|cd|docker|pip|uv|airflow|astro|curl|cp|[A-Z_]+=\S*) ", re.MULTILINE
)
_CODE = re.compile(r"`[^`]*`")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@functools.cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Every fenced block in one of the languages."""
    return [
        Block(name, text_of(name)[: match.start()].count("\n") + 1, match["language"], match["text"])
        for name in NAMES
        for match in _BLOCK.finditer(text_of(name))
        if match["language"] in languages
    ]


@functools.cache
def anchors(name: str) -> set[str]:
    """The anchors that a Markdown page's headings make, in the way of GitHub."""
    prose = _BLOCK.sub("", text_of(name))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    lost = []
    for match in _LINK.finditer(_CODE.sub("``", _BLOCK.sub("", text_of(name)))):
        address = match["target"] or match["image"]
        if re.match(r"[a-z]+:", address):
            continue
        path, _, anchor = address.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists():
            lost.append(address)
        elif anchor and target.suffix == ".md":
            inside = str(target.resolve().relative_to(ROOT))
            if anchor not in anchors(inside):
                lost.append(address)
    assert lost == []


@pytest.mark.parametrize("name", NAMES)
def test_commands_of_make_exist(name: str) -> None:
    asked = {match["target"] for match in _MAKE.finditer(text_of(name))}
    assert asked - make_targets() == set()


def test_every_page_is_in_the_index() -> None:
    index = text_of("docs/README.md")
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert [name for name in pages if f"]({name}" not in index] == []


def test_every_image_is_shown_somewhere() -> None:
    shown = "".join(text_of(name) for name in NAMES)
    images = [path.name for path in (ROOT / "docs" / "images").glob("*.png")]
    assert [name for name in images if name not in shown] == []


@pytest.mark.parametrize("block", blocks("bash", "sh", "", "console"), ids=str)
def test_commands_are_shell(block: Block) -> None:
    """Every line that is a command is one to a shell; drawings and tables of names are told by their look."""
    joined = block.text.replace("\\\n", " ")
    commands = [line for line in joined.splitlines() if _COMMAND.match(line)]
    # `<name>` stands for what the reader fills in.
    filled = re.sub(r"<[\w ',./-]+>|…", "filled", "\n".join(commands))
    read = subprocess.run(["bash", "-n"], input=filled, capture_output=True, text=True, check=False)
    assert read.stderr == ""


def test_commands_are_found() -> None:
    assert sum(bool(_COMMAND.search(block.text)) for block in blocks("bash", "sh", "", "console")) >= 10


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text) is not None


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    assert compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_settings_in_the_documentation_are_accepted(block: Block) -> None:
    """A YAML block whose keys are settings is an overlay that could be used as it stands."""
    document = yaml.safe_load(block.text)
    assert isinstance(document, dict)
    load_settings.cache_clear()
    shipped = load_settings().model_dump()
    if "services" in document or "Resources" in document:
        return
    assert set(document) <= set(shipped)
    assert parse_settings(merged(shipped, document), str(block))


def test_keys_named_in_prose_exist() -> None:
    """`jobs.analysis.seed` and the like, in any page: dotted names that begin as a setting does."""
    load_settings.cache_clear()
    shipped = load_settings().model_dump()
    roots = {name for name, value in shipped.items() if isinstance(value, dict)} - {"columns"}
    reference = text_of("docs/configuration.md")
    known = set(re.findall(r"^\| `([\w.]+)` \|", reference, re.MULTILINE))
    known |= {key.rpartition(".")[0] for key in known}
    for _ in range(3):
        known |= {key.rpartition(".")[0] for key in known if "." in key}
    files = {"py", "yaml", "json", "csv", "md"}
    # Tasks are called `deploy.endpoint` and the like, too.
    tasks = {"deploy", "approve"}
    wrong = {
        (name, key)
        for name in NAMES
        for key in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", text_of(name))
        if key.partition(".")[0] in roots - tasks and key.rpartition(".")[2] not in files and key not in known
    }
    assert wrong == set()
