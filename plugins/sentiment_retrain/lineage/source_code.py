"""Where the code of a task is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from openlineage.client.facet_v2 import source_code_location_job

from sentiment_retrain.runs.code_version import commit_id, origin_url

if TYPE_CHECKING:
    from openlineage.client.facet_v2 import JobFacet

DAG_FILE = "dags/review_sentiment_retrain.py"


def source_code_facets() -> dict[str, JobFacet]:
    """The repository and commit; nothing where the code lies in no clone of a server's repository."""
    url = public_url(origin_url() or "")
    if url is None:
        return {}
    return {
        "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
            type="git", url=url, repoUrl=url, path=DAG_FILE, version=commit_id()
        )
    }


def public_url(remote: str) -> str | None:
    """A remote's URL without the user and password that it may hold; None for a folder of this machine."""
    parts = urlsplit(remote)
    if parts.scheme in {"http", "https", "ssh", "git"} and parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit((parts.scheme, f"{parts.hostname}{port}", parts.path, "", ""))
    user_and_host, colon, path = remote.partition(":")
    if colon and "/" not in user_and_host and not parts.scheme.startswith("file"):
        return f"ssh://{user_and_host.rpartition('@')[2]}/{path}"
    return None
