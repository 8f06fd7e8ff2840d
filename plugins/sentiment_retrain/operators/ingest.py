"""``ingest.land_reviews``: source objects into the lake, each exactly once."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from sentiment_retrain import errors, naming
from sentiment_retrain.data import reviews, sources
from sentiment_retrain.operators.base import RetrainOperator
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.sdk import Context

    from sentiment_retrain.data.reviews import ParsedReviews
    from sentiment_retrain.settings import Settings

#: Raise when the same bytes must give other curated rows although no setting changed.
PARSER_VERSION = 1
_COUNTS = ("rows_received", "rows_accepted", "rows_refused")


def parse_fingerprint(settings: Settings) -> str:
    """Identity of everything besides the bytes that decides what the curated rows are."""
    chosen = settings.model_dump(mode="json", include={"columns", "sentiment", "text"})
    return naming.fingerprint({"settings": chosen, "version": PARSER_VERSION})


def land_fingerprint(settings: Settings, digests: Iterable[str]) -> str:
    """Identity of the curated rows of these source objects, known before they are landed."""
    return naming.fingerprint({"sources": sorted(digests), "parser": parse_fingerprint(settings)})


class LandReviewsOperator(RetrainOperator):
    """Copies new source objects to ``raw/`` byte for byte and their accepted rows to ``curated/``.

    The manifest is written last: an object without one counts as not landed, and its next landing overwrites
    the same places. What was landed with the same settings before is not touched.

    :param run: output of ``plan``
    """

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Land and hand on counts, partitions and the newest day of the data."""
        if self.run["mode"] == "plan_only":
            raise AirflowSkipException(f"mode is plan_only: see {self.run['plan_uri']}")
        if self.run["mode"] != "retrain":
            raise AirflowSkipException(f"mode is {self.run['mode']}: nothing is trained")
        plan = self.aws.get_json(self.run["plan_uri"])
        landed: list[dict[str, Any]] = []
        fresh: list[tuple[dict[str, Any], bytes, ParsedReviews]] = []
        for source in plan["sources"]:
            manifest = self._manifest(source)
            if manifest:
                self.log.info("%s was landed by run %s", source["uri"], manifest["run_key"])
                landed.append(manifest)
            else:
                fresh.append(self._parse(source))
        for source, _, parsed in fresh:
            landed.append(self._quarantine(source, parsed))
        self.remember(manifests=landed)
        result = self._summary(landed, reused=not fresh)
        # The gate is before the first row becomes visible to anyone.
        gate = gates.refused_rows(
            result["rows_received"],
            result["refused_by_reason"],
            self.settings.gates.refused_rows,
            result["quarantine_uri"],
        )
        self.settle([gate], result)
        for (source, content, parsed), manifest in zip(fresh, landed[-len(fresh) :], strict=False):
            self._publish(source, content, parsed, manifest)
            if sources.day_of(source["uri"]):
                self._retire_predecessors(source, plan["sources"])
        return result

    @property
    def _parse_fingerprint(self) -> str:
        return parse_fingerprint(self.settings)

    def _partition(self, source: Mapping[str, Any]) -> str:
        return str(source["partition"])

    def _place(self, zone: str, source: Mapping[str, Any]) -> str:
        """``s3://…/<zone>/reviews/dt=<partition>/<sha256[:16]>``."""
        digest = source["sha256"][: naming.PATH_FINGERPRINT_LENGTH]
        return f"s3://{self.run['bucket']}/{zone}/reviews/dt={self._partition(source)}/{digest}"

    def _manifest(self, source: Mapping[str, Any]) -> dict[str, Any] | None:
        """What an earlier run noted about this object, None when it must be landed (again)."""
        if not source["landed_partition"]:
            return None
        manifest = self.aws.find_json(f"{self._place('raw', source)}/_manifest.json")
        if manifest is None or manifest["parse_fingerprint"] != self._parse_fingerprint:
            return None
        return dict(manifest) if self.aws.exists(manifest["curated_uri"]) else None

    def _parse(self, source: dict[str, Any]) -> tuple[dict[str, Any], bytes, ParsedReviews]:
        content = self.aws.get_bytes(source["uri"])
        digest = naming.content_sha256(content)
        if digest != source["sha256"]:
            raise errors.SourceUnreadable(
                f"{source['uri']} has sha256 {digest[:16]}, not {source['sha256'][:16]} as planned",
                "the object that the plan froze",
                "Start a new run; write new deliveries under new names instead of over old ones.",
            )
        try:
            return source, content, reviews.parse_reviews(content, self.settings, digest)
        except errors.RetrainError as error:
            error.observed = f"{source['uri']}: {error.observed}"
            raise

    def _quarantine(self, source: Mapping[str, Any], parsed: ParsedReviews) -> dict[str, Any]:
        """Write the refused rows and give the manifest, which is not written yet."""
        uri = None
        if parsed.rows_refused:
            content = parsed.refused.to_csv(index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
            uri = f"{self._place('quarantine', source)}.csv"
            self.aws.put_bytes(uri, content.encode(), "text/csv")
            self.log.warning(
                "%d rows refused, see %s: %s", parsed.rows_refused, uri, parsed.refused_by_reason
            )
        return {
            **{key: source[key] for key in ("uri", "etag", "size_bytes", "sha256")},
            "run_key": self.run["run_key"],
            "partition": self._partition(source),
            **{key: getattr(parsed, key) for key in _COUNTS},
            "refused_by_reason": parsed.refused_by_reason,
            "header": list(parsed.header.names),
            "delimiter": parsed.header.delimiter,
            "columns": parsed.header.mapping(),
            "curated_uri": f"{self._place('curated', source)}.parquet",
            "quarantine_uri": uri,
            "parse_fingerprint": self._parse_fingerprint,
        }

    def _publish(
        self, source: Mapping[str, Any], content: bytes, parsed: ParsedReviews, manifest: Mapping[str, Any]
    ) -> None:
        """Raw bytes, curated rows, then the manifest that makes them count."""
        import awswrangler as wr

        raw = f"{self._place('raw', source)}/{PurePosixPath(source['uri']).name}"
        self.aws.put_bytes(raw, content, "text/csv")
        wr.s3.to_parquet(
            parsed.accepted,
            manifest["curated_uri"],
            index=False,
            dtype={"sentiment": "int", "star_rating": "double"},
            boto3_session=self.aws.session,
        )
        self.aws.put_json(f"{self._place('raw', source)}/_manifest.json", manifest)
        self.log.info("%d rows of %s are in %s", parsed.rows_accepted, source["uri"], manifest["curated_uri"])

    def _retire_predecessors(self, source: Mapping[str, Any], frozen: Iterable[Mapping[str, Any]]) -> None:
        """Take the rows of earlier contents of this very delivery out of the table; their bytes stay in raw/.

        A delivery of a day that was written again was corrected: both versions would count its reviews twice.
        An earlier content that another delivery still has stays, as that one's.

        :param frozen: all source objects of the run
        """
        still_delivered = {other["sha256"]: other["uri"] for other in frozen}
        day = f"s3://{self.run['bucket']}/raw/reviews/dt={self._partition(source)}/"
        for entry in self.aws.list_objects(day):
            if not entry.uri.endswith("/_manifest.json"):
                continue
            earlier = self.aws.get_json(entry.uri)
            if earlier["uri"] != source["uri"] or earlier["sha256"] == source["sha256"]:
                continue
            if other := still_delivered.get(earlier["sha256"]):
                self.aws.put_json(entry.uri, {**earlier, "uri": other})
            else:
                # The manifest goes first: without it the object counts as not landed.
                for uri in (entry.uri, earlier["curated_uri"]):
                    self.aws.delete(uri)
                self.log.info(
                    "%s was corrected: the rows of %s are gone", source["uri"], earlier["sha256"][:16]
                )

    def _summary(self, landed: Sequence[Mapping[str, Any]], *, reused: bool) -> dict[str, Any]:
        by_reason: Counter[str] = Counter()
        for manifest in landed:
            by_reason.update(manifest["refused_by_reason"])
        in_order = sorted(landed, key=lambda manifest: (manifest["partition"], manifest["uri"]))
        newest = in_order[-1]
        quarantined = next((one for one in reversed(in_order) if one["quarantine_uri"]), None)
        digests = sorted(manifest["sha256"] for manifest in landed)
        return {
            **{key: sum(manifest[key] for manifest in landed) for key in _COUNTS},
            "refused_by_reason": dict(by_reason.most_common()),
            "partitions": sorted({manifest["partition"] for manifest in landed}),
            "source_sha256": digests,
            "data_until": newest["partition"],
            "fingerprint": land_fingerprint(self.settings, digests),
            "quarantine_uri": quarantined and quarantined["quarantine_uri"],
            "header": newest["header"],
            "delimiter": newest["delimiter"],
            "reused": reused,
        }
