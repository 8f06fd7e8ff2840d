"""``prepare.datasets``: the rows that train, validate and test, in the form each job wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain import errors, naming
from sentiment_retrain.data import datasets, text
from sentiment_retrain.operators.base import RetrainOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from airflow.sdk import Context

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.settings import Settings

#: Raise when the same rows and settings must give other files.
BUILDER_VERSION = 3
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
        fingerprint = datasets_fingerprint(self.settings, self.land["fingerprint"])
        found = find_built(self.aws, self.run["bucket"], fingerprint)
        manifest = found or self._build(fingerprint)
        if found:
            self.log.info(
                "datasets of the same rows and settings are in %s, built by run %s",
                manifest["uri"],
                manifest["run_key"],
            )
        self.log.info("rows %s, labels %s", manifest["rows"], manifest["label_counts"])
        return described(manifest, self.land["data_until"], reused=found is not None)

    def _build(self, fingerprint: str) -> dict[str, Any]:
        import pandas as pd

        uri = f"s3://{self.run['bucket']}/datasets/{fingerprint[: naming.PATH_FINGERPRINT_LENGTH]}"
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
        return {**manifest, "uri": uri}

    def _curated(self) -> Iterator[pd.DataFrame]:
        """The curated rows of each frozen source object; objects landed later are not looked at."""
        import awswrangler as wr

        root = f"s3://{self.run['bucket']}/curated/reviews/"
        for sha256 in sorted(self.land["source_sha256"]):
            digest = sha256[: naming.PATH_FINGERPRINT_LENGTH]
            places = [f"{root}dt={partition}/{digest}.parquet" for partition in self.land["partitions"]]
            uri = next(filter(self.aws.exists, places), None)
            if uri is None:
                raise errors.SourceNotFound(
                    f"the rows of source object {digest} are in none of {self.land['partitions']}",
                    "the rows that this run landed or found landed",
                    "The delivery was corrected since the plan: clear the run, or start a new one.",
                )
            yield wr.s3.read_parquet(uri, columns=CURATED_COLUMNS, boto3_session=self.aws.session)


def datasets_fingerprint(settings: Settings, land_fingerprint: str) -> str:
    """Identity of the datasets: which rows, how they are split and balanced, how they are normalised."""
    return naming.fingerprint(
        {
            "land": land_fingerprint,
            "settings": settings.datasets.model_dump(mode="json"),
            "normalization": naming.content_sha256(text.normalization_path().read_bytes()),
            "builder": BUILDER_VERSION,
        }
    )


def find_built(aws: Aws, bucket: str, fingerprint: str) -> dict[str, Any] | None:
    """The manifest of datasets that are built already, with their ``uri``; None when they are not."""
    uri = f"s3://{bucket}/datasets/{fingerprint[: naming.PATH_FINGERPRINT_LENGTH]}"
    found = aws.find_json(f"{uri}/manifest.json")
    return {**found, "uri": uri} if found and found["fingerprint"] == fingerprint else None


def described(manifest: Mapping[str, Any], data_until: str, *, reused: bool) -> dict[str, Any]:
    """The datasets of docs/contracts.md section 2.

    :param manifest: of the datasets, with their ``uri``
    """
    kept = ("fingerprint", "uri", "rows", "label_counts", "category_counts", "dropped", "sha256")
    return {
        **{key: manifest[key] for key in kept},
        "files": {key: f"{manifest['uri']}/{name}" for key, name in datasets.FILE_NAMES.items()},
        "data_until": data_until,
        "reused": reused,
    }
