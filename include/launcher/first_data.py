"""Real reviews for a first run: 14,313 sentences with human ratings, from a package on the Python index.

The source distribution of vaderSentiment 3.3.2 (MIT) carries the ground truth of Hutto & Gilbert, "VADER",
ICWSM 2014: snippets of Amazon product and movie reviews, each with its mean rating by twenty people
from -4 to 4. It is fetched by pinned hash, never installed and never executed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx

from launcher.failures import LauncherError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from launcher.places import Places

PACKAGE = "vadersentiment"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
# Names inside the inner archive, with the product category their reviews get.
SNIPPETS = {
    "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt": "amazon_products",
    "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt": "movies",
}
COLUMNS = ("review_id", "mean_sentiment_rating", "review_body", "product_category")
MAXIMUM_BYTES = 50_000_000


def ensure(places: Places) -> Path:
    """The path of `reviews.csv`, fetched and converted on first use.

    :raises LauncherError: the package index cannot be reached, or what it sends is not the pinned archive.
    """
    target = places.first_data / "reviews.csv"
    if not target.exists():
        rows = list(snippets(fetch_archive()))
        target.parent.mkdir(parents=True, exist_ok=True)
        half_written = target.with_suffix(".partial")
        with half_written.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)
        half_written.replace(target)
    return target


def snippets(archive: bytes) -> Iterator[tuple[str, float, str, str]]:
    """`(review_id, mean rating -4..4, text, category)` of every review in the source distribution.

    Members are read in memory by name: nothing an archive says is used as a path.
    """
    inner = _member(archive, INNER_ARCHIVE)
    for name, category in SNIPPETS.items():
        for line in _member(inner, name).strip().split(b"\n"):
            number, rating, text = _text(line).split("\t", 2)
            yield f"{category}-{number.strip()}", float(rating), text.strip(), category


def _text(line: bytes) -> str:
    """Most lines are UTF-8; the few that are not are in Windows' and the Web's old default."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        member = tar.getmember(name)
        file = tar.extractfile(member)
        if file is None or member.size > MAXIMUM_BYTES:
            raise LauncherError("LOCAL_FIRST_DATA", f"{name} is not a plain file of usual size.", _REMEDY)
        return file.read()


def fetch_archive() -> bytes:
    """The archive from the configured package index, by its pinned SHA-256."""
    index = package_index()
    try:
        with httpx.Client(timeout=60, follow_redirects=True) as http:
            content = http.get(_address(http, index)).raise_for_status().content
    except httpx.HTTPError as error:
        raise LauncherError(
            "LOCAL_FIRST_DATA", f"{ARCHIVE} could not be fetched from {index}: {error}.", _REMEDY
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise LauncherError(
            "LOCAL_FIRST_DATA", f"{ARCHIVE} from {index} has SHA-256 {found}, not {SHA256}.", _REMEDY
        )
    return content


def _address(http: httpx.Client, index: str) -> str:
    """Where the index says the archive is (the simple repository API, PEP 503 and 691)."""
    page_url = f"{index.rstrip('/')}/{PACKAGE}/"
    # Every index serves the HTML form, not every private one the JSON form.
    page = http.get(page_url, headers={"Accept": "application/vnd.pypi.simple.v1+html, text/html;q=0.5"})
    page.raise_for_status()
    for piece in page.text.split('href="')[1:]:
        address = piece.split('"', 1)[0].replace("&amp;", "&")
        if address.split("#", 1)[0].endswith(f"/{ARCHIVE}"):
            return urljoin(str(page.url), address)
    raise LauncherError("LOCAL_FIRST_DATA", f"{page_url} does not list {ARCHIVE}.", _REMEDY)


def package_index() -> str:
    """The package index this machine uses: uv's setting, else pip's, else PyPI."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(variable):
            return os.environ[variable]
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip:
        asked = subprocess.run(
            [pip, "config", "get", "global.index-url"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and asked.stdout.strip().startswith("http"):
            return asked.stdout.strip()
    return "https://pypi.org/simple"


_REMEDY = (
    "Check the connection to the package index and run it again, or use reviews of your own: "
    "make run DATA=<csv file>."
)
