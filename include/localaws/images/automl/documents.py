"""A report for people as sections, and the same sections as HTML and as a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from automl import notebooks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #bbb;padding:.25rem .6rem;"
    "text-align:left}"
)


@dataclass(frozen=True)
class Section:
    """A heading, what is to be said, and a table."""

    heading: str
    text: str
    header: Sequence[object] = ()
    rows: Sequence[Sequence[object]] = field(default_factory=list)


def write(title: str, sections: Sequence[Section], directory: Path) -> None:
    """Write `report.html` and `report.ipynb`."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.html").write_text(_html(title, sections), encoding="utf-8")
    cells = [notebooks.markdown(f"# {title}"), *(notebooks.markdown(_text(section)) for section in sections)]
    notebooks.write(notebooks.notebook(cells), directory / "report.ipynb")


def _text(section: Section) -> str:
    text = f"## {section.heading}\n\n{section.text}"
    return f"{text}\n\n{notebooks.table(section.header, section.rows)}" if section.header else text


def _html(title: str, sections: Sequence[Section]) -> str:
    body = "".join(
        f"<h2>{escape(section.heading)}</h2><p>{escape(section.text)}</p>{_html_table(section)}\n"
        for section in sections
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>\n{body}</body></html>\n"
    )


def _html_table(section: Section) -> str:
    if not section.header:
        return ""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in section.header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_shown(cell))}</td>" for cell in row) + "</tr>" for row in section.rows
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _shown(cell: object) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
