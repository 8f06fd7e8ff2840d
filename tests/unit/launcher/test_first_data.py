from __future__ import annotations

import csv
import hashlib
import http.server
import io
import tarfile
import threading
from typing import TYPE_CHECKING

import pytest

from launcher import first_data
from launcher.failures import LauncherError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from launcher.places import Places

AMAZON = "1_1\t-0.9\tno picture.\n2_1\t3.1\tGreat; “truly” great\n".encode()
MOVIES = b"1\t0.25\tclich\xe9s disappear\n"


def tarball(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target.getvalue()


@pytest.fixture(scope="module")
def archive() -> bytes:
    inner = tarball(dict(zip(first_data.SNIPPETS, (AMAZON, MOVIES), strict=True)))
    return tarball({first_data.INNER_ARCHIVE: inner, "../../escape.txt": b"never written"})


@pytest.fixture
def index(archive: bytes) -> Iterator[str]:
    """A package index on loopback that serves the small archive."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f'<a href="../../files/{first_data.ARCHIVE}#sha256=0">{first_data.ARCHIVE}</a>'.encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(archive if self.path == f"/files/{first_data.ARCHIVE}" else page)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_reviews_are_read_with_their_category_whatever_their_encoding(archive: bytes) -> None:
    assert list(first_data.snippets(archive)) == [
        ("amazon_products-1_1", -0.9, "no picture.", "amazon_products"),
        ("amazon_products-2_1", 3.1, "Great; “truly” great", "amazon_products"),
        ("movies-1", 0.25, "clichés disappear", "movies"),
    ]


def test_the_archive_is_fetched_once_and_kept_as_csv(
    places: Places, index: str, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index)
    monkeypatch.setattr(first_data, "SHA256", hashlib.sha256(archive).hexdigest())

    path = first_data.ensure(places)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")

    assert first_data.ensure(places) == path
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["mean_sentiment_rating"] for row in rows] == ["-0.9", "3.1", "0.25"]
    assert [entry.name for entry in path.parent.iterdir()] == ["reviews.csv"]


def test_an_archive_of_another_content_is_refused_and_nothing_is_kept(
    places: Places, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index)

    with pytest.raises(LauncherError, match=f"not {first_data.SHA256}"):
        first_data.ensure(places)
    assert not places.first_data.exists()


def test_an_index_that_cannot_be_reached_is_named_with_what_to_do(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")

    with pytest.raises(LauncherError, match=r"127\.0\.0\.1:9/simple") as caught:
        first_data.ensure(places)
    assert "make run DATA=" in caught.value.remedy
