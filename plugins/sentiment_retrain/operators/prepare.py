"""``prepare.datasets``: the rows that train, validate and test, in the form each job wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import datasets, naming, text
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from airflow.sdk import Context

#: Raise when the same rows and settings must give other files.
BUILDER_VERSION = 1
CURATED_COLUMNS = ["review_id", "review_body", "product_category", "sentiment"]


class PrepareDatasetsOperator(RetrainOperator):
    """Builds the datasets of exactly the source objects that the plan froze, or finds them built.

    They lie under ``datasets/<fingerprint>/``; the manifest is written last, so a folder with one is whole.

    :param run: output of ``plan``
    :param land: output of ``ingest.land_reviews``
    """

    template_fields: Sequence[str] = ("run", "land")

    def __init__(self, *, land: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.land = land

    def work(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Build or find, and hand on ``fingerprint, uri, rows, label_counts, files, data_until, reused``."""
        fingerprint = self._fingerprint()
        uri = f"s3://{self.run['bucket']}/datasets/{fingerprint[: naming.PATH_FINGERPRINT_LENGTH]}"
        found = self.aws.find_json(f"{uri}/manifest.json")
        reused = found is not None and found["fingerprint"] == fingerprint
        manifest = dict(found) if found and reused else self._build(uri, fingerprint)
        if reused:
            self.log.info(
                "datasets of the same rows and settings are in %s, built by run %s", uri, manifest["run_key"]
            )
        counts = {"rows": manifest["rows"], "label_counts": manifest["label_counts"]}
        self.log.info("rows %s, labels %s", counts["rows"], counts["label_counts"])
        return {
            "fingerprint": fingerprint,
            "uri": uri,
            **counts,
            "category_counts": manifest["category_counts"],
            "dropped": manifest["dropped"],
            "files": {key: f"{uri}/{name}" for key, name in datasets.FILE_NAMES.items()},
            "sha256": manifest["sha256"],
            "data_until": self.land["data_until"],
            "reused": reused,
        }

    def _fingerprint(self) -> str:
        """Identity of the datasets: which rows, how they are split and balanced, how they are normalised."""
        return naming.fingerprint(
            {
                "land": self.land["fingerprint"],
                "settings": self.settings.datasets.model_dump(mode="json"),
                "normalization": naming.content_sha256(text.normalization_path().read_bytes()),
                "builder": BUILDER_VERSION,
            }
        )

    def _build(self, uri: str, fingerprint: str) -> dict[str, Any]:
        import pandas as pd

        built = datasets.build_datasets(pd.concat(self._curated(), ignore_index=True), self.settings)
        files = datasets.dataset_files(built, self.settings)
        for key, content in files.items():
            self.aws.put_bytes(f"{uri}/{datasets.FILE_NAMES[key]}", content, "text/plain; charset=utf-8")
        train_rows = pd.concat([built.train, built.validation])
        manifest = {
            **built.manifest,
            "fingerprint": fingerprint,
            "run_key": self.run["run_key"],
            "sha256": {key: naming.content_sha256(content) for key, content in files.items()},
            "category_counts": {
                "train": train_rows["product_category"].value_counts().to_dict(),
                "test": built.test["product_category"].value_counts().to_dict(),
            },
        }
        self.aws.put_json(f"{uri}/manifest.json", manifest)
        return manifest

    def _curated(self) -> Iterator[pd.DataFrame]:
        """The curated rows of each frozen source object; objects landed later are not looked at."""
        import awswrangler as wr

        root = f"s3://{self.run['bucket']}/curated/reviews/"
        wanted = {digest[: naming.PATH_FINGERPRINT_LENGTH] for digest in self.land["source_sha256"]}
        uris = [
            f"{root}dt={partition}/{digest}.parquet"
            for partition in self.land["partitions"]
            for digest in sorted(wanted)
        ]
        for uri in uris:
            # A source object lies in one of the window's partitions only.
            if self.aws.exists(uri):
                yield wr.s3.read_parquet(uri, columns=CURATED_COLUMNS, boto3_session=self.aws.session)
