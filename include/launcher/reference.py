"""`make docs`: docs/configuration.md, made from the settings model and the comments in include/config/*.yaml.

One owner for each thing: the model (`settings/schema.py` and its neighbours) has types and limits, the
YAML files have values and, as comments, what they mean and why they are so. What several keys share, or no
YAML file shows because it is part of something optional, is described by its field in the model.
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from launcher.places import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

CONFIG = CHECKOUT / "include" / "config"
TARGET = CHECKOUT / "docs" / "configuration.md"
#: In this order they are on the page; all but the first have one top-level key, their name.
FILES = ("retrain.yaml", "gates.yaml", "prices.yaml", "golden_requests.yaml")
UNITS = {
    "seconds": "seconds",
    "hours": "hours",
    "days": "days",
    "gb": "GB",
    "mb": "MB",
    "ms": "milliseconds",
    "percent": "%",
    "usd": "US dollars",
    "bytes": "bytes",
}
#: What is there is described by one text for several keys.
EXPLAINED_AS_A_WHOLE = ("columns.", "sentiment.", "gates.", "prices.")
_SECTION = re.compile(r"^# --- (?P<title>.+?) -+$")
_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false"}
_LIMITS = {"Ge": ("at least", "ge"), "Gt": ("above", "gt"), "Le": ("at most", "le"), "Lt": ("below", "lt")}


class Entry(NamedTuple):
    """A key of a YAML file: where it stands, its value, and the comments above and beside it."""

    section: str
    value: Any
    meaning: str


class Row(NamedTuple):
    """A line of the reference; `key` is dotted."""

    key: str
    kind: str
    default: str
    meaning: str


def entries(text: str) -> dict[str, Entry]:
    """Each dotted key of a YAML document with its comments, mappings included, sequences as values."""
    lines = text.splitlines()
    found: dict[str, Entry] = {}
    root = yaml.compose(text)
    if isinstance(root, yaml.MappingNode):
        for path, key, value in _walk(root, ""):
            found[path] = Entry(
                _section(lines, key.start_mark.line),
                yaml.safe_load(yaml.serialize(value)),
                _meaning(lines, key),
            )
    return found


def _walk(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        yield path, key, value
        if isinstance(value, yaml.MappingNode):
            yield from _walk(value, f"{path}.")


def _section(lines: list[str], number: int) -> str:
    """The nearest heading above the line, or nothing."""
    headings = (_SECTION.match(line) for line in reversed(lines[:number]))
    return next((heading["title"] for heading in headings if heading), "")


def _meaning(lines: list[str], key: yaml.Node) -> str:
    """The comments that belong to a key: the block above it, and the one beside it with its next lines."""
    number, column = key.start_mark.line, key.start_mark.column
    if lines[number][:column].strip():  # in braces: the comments belong to the key before the brace
        return ""
    above: list[str] = []
    for line in reversed(lines[:number]):
        if not line.startswith(f"{' ' * column}# ") or _SECTION.match(line):
            break
        above.insert(0, line.strip().removeprefix("#").strip())
    return " ".join([*above, *_beside(lines, number)]).strip()


def _beside(lines: list[str], number: int) -> Iterator[str]:
    """The comment at the line's end, and the lines below that go on in its column."""
    at = lines[number].find("  # ")
    if at < 0:
        return
    at += 2
    yield lines[number][at + 1 :].strip()
    for line in lines[number + 1 :]:
        if line[:at].strip() or not line[at:].startswith("#"):
            return
        yield line[at + 1 :].strip()


def rows(model: type[BaseModel], known: dict[str, Entry], prefix: str = "") -> Iterator[Row]:
    """The reference's lines of a model, nested models after their own line.

    :raises ValueError: a setting that neither a YAML comment nor the model describes
    """
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner = _inner_model(field.annotation)
        entry = known.get(key)
        meaning = _one_meaning(key, entry, field, _is_explained_above(key, known) or inner is not None)
        if inner is None or (entry is not None and not isinstance(entry.value, dict)):
            yield Row(key, _kind(name, field), _default(entry, field), meaning)
        elif meaning:
            yield Row(key, "", "", meaning)
        if inner is not None:
            yield from rows(inner, known, f"{key}.")


def _is_explained_above(key: str, known: dict[str, Entry]) -> bool:
    """Whether the text of the mapping that the key is in explains all its keys together."""
    parent = known.get(key.rpartition(".")[0])
    return key.startswith(EXPLAINED_AS_A_WHOLE) and parent is not None and bool(parent.meaning)


def _one_meaning(key: str, entry: Entry | None, field: FieldInfo, may_be_silent: bool) -> str:
    meaning = " ".join(filter(None, [field.description or "", entry.meaning if entry else ""]))
    if not (meaning or may_be_silent):
        raise ValueError(
            f"{key} is described nowhere: write a comment beside it in include/config/, or "
            "Field(description=…) in the model when no YAML file shows it"
        )
    return meaning


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, also when it may be left out; None of a mapping or a sequence."""
    for candidate in (annotation, *_choices(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else ()


def _kind(name: str, field: FieldInfo) -> str:
    """Type, limits and unit in words, e.g. `integer at least 0 and at most 3600, seconds`."""
    limits = " and ".join(filter(None, map(_limit, field.metadata)))
    unit = UNITS.get(name.rpartition("_")[2], "")
    return ", ".join(filter(None, [f"{_type(field.annotation)} {limits}".strip(), unit]))


def _limit(metadata: Any) -> str:
    word, attribute = _LIMITS.get(type(metadata).__name__, ("", ""))
    return f"{word} {getattr(metadata, attribute)}" if word else ""


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        limits = [limit for part in arguments[1:] for limit in _field_limits(part)]
        return f"{_type(arguments[0])} {' and '.join(limits)}".strip()
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in {Union, types.UnionType}:
        names = [_type(part) for part in arguments if part is not type(None)]
        return " or ".join([*names, *(["null"] if type(None) in arguments else [])])
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping of {_type(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "`{" + ", ".join(annotation.model_fields) + "}`"
    return _NAMES.get(annotation, str(annotation))


def _field_limits(part: Any) -> list[str]:
    """Limits of an annotation inside another one: pydantic's `Field`, or a bare `annotated_types` limit."""
    return [text for text in map(_limit, getattr(part, "metadata", None) or [part]) if text]


def _default(entry: Entry | None, field: FieldInfo) -> str:
    """The shipped value; of what no file shows, the model's."""
    if entry is not None:
        value = entry.value
    elif field.is_required():
        return ""
    else:
        value = field.get_default(call_default_factory=True)
    shown = yaml.safe_dump(
        list(value) if isinstance(value, tuple) else value, default_flow_style=True, width=10_000
    )
    text = shown.removesuffix("\n").removesuffix("\n...").strip()
    return f"`{text}`" if len(text) <= 60 else "see the file"


def page() -> str:
    """The whole of docs/configuration.md."""
    sys.path.append(str(CHECKOUT / "plugins"))
    from sentiment_retrain.settings.schema import Settings

    known: dict[str, Entry] = {}
    for name in FILES:
        known |= entries((CONFIG / name).read_text(encoding="utf-8"))
    lines = [HEADING]
    section = ""
    for row in rows(Settings, known):
        top = row.key.partition(".")[0]
        here = known[top].section if top in known and known[top].section else _file_section(top)
        if here != section:
            section = here
            lines += ["", f"## {section}", "", "| key | type | shipped | meaning |", "|---|---|---|---|"]
        lines.append(f"| `{row.key}` | {_cell(row.kind)} | {_cell(row.default)} | {_cell(row.meaning)} |")
    return "\n".join([*lines, "", _form()])


def _file_section(top: str) -> str:
    return {
        "gates": "Gates: `gates.yaml`",
        "prices": "Prices: `prices.yaml`",
        "golden_requests": "Golden requests: `golden_requests.yaml`",
    }.get(top, "Other")


def _cell(text: str) -> str:
    """`text` for a table: Markdown would end the cell at a bar and swallow what is in angle brackets."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _form() -> str:
    """The parameters of a run, as Airflow's form shows them."""
    from sentiment_retrain.runs.params import run_params
    from sentiment_retrain.settings import load_settings

    lines = [FORM_HEADING, "| field | default | meaning |", "|---|---|---|"]
    for name, param in run_params(load_settings()).items():
        shown = yaml.safe_dump(param.value, default_flow_style=True).removesuffix("\n").removesuffix("\n...")
        lines.append(f"| `{name}` | `{shown}` | {_cell(param.description or '')} |")
    return "\n".join([*lines, ""])


HEADING = """# Configuration

<!-- Made by `make docs` from include/config/*.yaml and the settings model. Correct those, not this page. -->

Values come from `include/config/*.yaml`; laid over them are files of your own, which hold only what differs:

```
export SENTIMENT_RETRAIN_CONFIG=/etc/retrain/ours.yaml:/etc/retrain/this-machine.yaml
```

| environment variable | meaning |
|---|---|
| `SENTIMENT_RETRAIN_CONFIG` | files with a colon between them; the later wins, key by key, lists as a whole |
| `SENTIMENT_RETRAIN_BUCKET` | `bucket`; wins over all files |
| `SENTIMENT_RETRAIN_ROLE_ARN` | `role_arn`; wins over all files |
| `SENTIMENT_RETRAIN_INCLUDE` | the folder `include/`, where it is not found by itself |
| `SENTIMENT_RETRAIN_LOCAL` | `make` commands only: a laptop's state and logs, instead of `.local/` |

A key that does not exist and a value that cannot be used are refused when the DAG is parsed, all at once,
each with what can be used instead ([SR-CONFIG-001](runbook.md#sr-config-001)). On a laptop
`include/launcher/laptop.yaml` shortens the waits; your own files are laid over that, too."""

FORM_HEADING = """## The form of a run

What *Trigger* in Airflow asks, for one run. Defaults are those of the keys above.
"""


def main() -> None:
    """Write the page."""
    TARGET.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{TARGET.relative_to(Path.cwd())}\n")


if __name__ == "__main__":
    main()
