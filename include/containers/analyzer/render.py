"""One list of blocks as a self-contained HTML page and as a notebook."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; max-width: 62rem; margin: 2rem auto; }
body { padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .6rem; }
h2 { border-bottom: 1px solid #d5dae1; padding-bottom: .3rem; }
table { border-collapse: collapse; font-size: 13px; margin: .8rem 0; }
th, td { border-bottom: 1px solid #e3e6ea; padding: .25rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
th.text, td.text { text-align: left; }
.scroll { overflow-x: auto; }
img { max-width: 100%; }
.example { border-left: 3px solid #d5dae1; padding: .2rem .8rem; margin: .8rem 0; }
.example small { color: #667; }
"""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Image:
    """A PNG picture and what it shows."""

    png: bytes
    alternative: str


@dataclass(frozen=True)
class Table:
    """A table of text cells; every row is as long as the header. Cells of `prose` are left-aligned."""

    header: list[str]
    rows: list[list[str]]
    prose: bool = False


@dataclass(frozen=True)
class Html:
    """A piece of HTML that is already escaped."""

    html: str


Block = Heading | Text | Image | Table | Html


def page(title: str, blocks: list[Block]) -> str:
    """Return the blocks as one HTML document that needs no other file."""
    body = "\n".join(map(_html, blocks))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def notebook(blocks: list[Block]) -> str:
    """Return the blocks as a Jupyter notebook of Markdown cells, pictures attached."""
    import nbformat

    document = nbformat.v4.new_notebook()
    for block in blocks:
        cell = nbformat.v4.new_markdown_cell(_markdown(block))
        if isinstance(block, Image):
            cell["attachments"] = {"image.png": {"image/png": base64.b64encode(block.png).decode()}}
        document["cells"].append(cell)
    nbformat.validate(document)
    return str(nbformat.writes(document))


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{html.escape(block.text)}</p>"
    if isinstance(block, Image):
        data = base64.b64encode(block.png).decode()
        return f'<p><img alt="{html.escape(block.alternative)}" src="data:image/png;base64,{data}"></p>'
    if isinstance(block, Table):
        attribute = ' class="text"' if block.prose else ""
        head = "".join(f"<th{attribute}>{html.escape(cell)}</th>" for cell in block.header)
        rows = "".join(
            "<tr>" + "".join(f"<td{attribute}>{html.escape(cell)}</td>" for cell in row) + "</tr>\n"
            for row in block.rows
        )
        return f'<div class="scroll"><table><tr>{head}</tr>\n{rows}</table></div>'
    return block.html


def _markdown(block: Block) -> str:
    """Markdown of a cell; HTML in a name or a text is shown, not obeyed."""
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_shown(block.text)}"
    if isinstance(block, Text):
        return _shown(block.text)
    if isinstance(block, Image):
        return f"![{_shown(block.alternative)}](attachment:image.png)"
    if isinstance(block, Table):
        lines = [block.header, ["---"] * len(block.header), *block.rows]
        return "\n".join(
            "| " + " | ".join(_shown(cell).replace("|", r"\|") for cell in line) + " |" for line in lines
        )
    return block.html


def _shown(text: str) -> str:
    return html.escape(text, quote=False)
