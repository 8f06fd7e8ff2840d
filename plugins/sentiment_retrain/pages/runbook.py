"""The runbook's entry of an error code, as a page: at night nobody has the repository on the phone."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sentiment_retrain.settings import include_directory

if TYPE_CHECKING:
    from pathlib import Path

_CODE = re.compile(r"SR-[A-Z]+-[0-9]{3}")


def entry(code: str, path: Path | None = None) -> dict[str, Any] | None:
    """``code`` and ``text`` (HTML) of an entry; None where there is none, or no runbook on this machine.

    :param code: in either case, as it stands in an address
    :param path: of the runbook, None for the checkout's
    """
    code = code.upper()
    path = path or include_directory().parent / "docs" / "runbook.md"
    if not _CODE.fullmatch(code) or not path.is_file():
        return None
    found = re.search(
        rf"^### {code}\n(.*?)(?=^##|\Z)", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    # The renderer escapes whatever HTML the text has.
    return {"code": code, "text": Markup(_markdown().render(found[1]))} if found else None  # noqa: S704


def _nothing(*_: Any, **__: Any) -> str:
    return ""


@functools.cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).disable("image")
    # Its links lead to files of the repository, which are not beside this page.
    for name in ("link_open", "link_close"):
        markdown.add_render_rule(name, _nothing)
    return markdown
