"""The data catalog as Athena's API shows it: AwsDataCatalog, which is Glue."""

from __future__ import annotations

import re
from typing import Any

from localaws.protocol import answer
from localaws.services.athena.catalog import Catalog
from localaws.services.athena.errors import InvalidRequestError, MetadataError, QueryError
from localaws.services.athena.paging import page

NAME = "AwsDataCatalog"
_MAXIMUM = 50


def _require_catalog(name: str) -> None:
    if name.lower() != NAME.lower():
        raise InvalidRequestError(f"Data catalog {name} is not found. The local stand-in has {NAME} only.")


def _missing(kind: str, name: str, operation: str) -> MetadataError:
    return MetadataError(
        f"An error occurred (EntityNotFoundException) when calling the {operation} operation: {kind} {name} "
        "not found. (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException)"
    )


def _columns(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: column[key] for key in ("Name", "Type", "Comment") if column.get(key)} for column in columns
    ]


def _table_metadata(document: dict[str, Any]) -> dict[str, Any]:
    storage = document.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    parameters = dict(document.get("Parameters") or {})
    parameters |= {f"serde.param.{key}": value for key, value in (serde.get("Parameters") or {}).items()}
    described = {
        "inputformat": storage.get("InputFormat"),
        "outputformat": storage.get("OutputFormat"),
        "location": storage.get("Location"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
    }
    metadata = {
        "Name": document["Name"],
        "CreateTime": document.get("CreateTime"),
        "TableType": document.get("TableType"),
        "Columns": _columns(storage.get("Columns") or []),
        "PartitionKeys": _columns(document.get("PartitionKeys") or []),
        "Parameters": parameters | {key: value for key, value in described.items() if value},
    }
    return {key: value for key, value in metadata.items() if value is not None}


def _database(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in ("Name", "Description", "Parameters") if document.get(key)}


class CatalogOperations:
    """Reads of the data catalog."""

    request: Any
    region: str

    def list_data_catalogs(self) -> Any:
        """ListDataCatalogs: the one there is."""
        return answer(
            {"DataCatalogsSummary": [{"CatalogName": NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}]}
        )

    def get_data_catalog(self) -> Any:
        """GetDataCatalog."""
        _require_catalog(self.request()["Name"])
        return answer(
            {"DataCatalog": {"Name": NAME, "Type": "GLUE", "Parameters": {"catalog-id": "123456789012"}}}
        )

    def list_databases(self) -> Any:
        """ListDatabases."""
        request = self.request()
        _require_catalog(request["CatalogName"])
        databases = [_database(document) for document in Catalog(self.region).databases()]
        return answer(page("DatabaseList", databases, request, _MAXIMUM))

    def get_database(self) -> Any:
        """GetDatabase."""
        request = self.request()
        _require_catalog(request["CatalogName"])
        document = Catalog(self.region).database(request["DatabaseName"])
        if document is None:
            raise _missing("Database", request["DatabaseName"], "GetDatabase")
        return answer({"Database": _database(document)})

    def list_table_metadata(self) -> Any:
        """ListTableMetadata; Expression is a regular expression on names."""
        request = self.request()
        _require_catalog(request["CatalogName"])
        try:
            documents = Catalog(self.region).tables(request["DatabaseName"])
        except QueryError as error:
            raise _missing("Database", request["DatabaseName"], "ListTableMetadata") from error
        pattern = re.compile(request.get("Expression") or ".*")
        tables = [_table_metadata(document) for document in documents if pattern.fullmatch(document["Name"])]
        return answer(page("TableMetadataList", tables, request, _MAXIMUM))

    def get_table_metadata(self) -> Any:
        """GetTableMetadata."""
        request = self.request()
        _require_catalog(request["CatalogName"])
        table = Catalog(self.region).get(request["DatabaseName"], request["TableName"])
        if table is None:
            raise _missing("Table", request["TableName"], "GetTableMetadata")
        return answer({"TableMetadata": _table_metadata(table.document)})
