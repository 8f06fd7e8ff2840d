"""Athena and Glue."""

from __future__ import annotations

from rejections import MODEL, MODEL_TEXT, REMOVED, Operation, contract

INVALID = "InvalidRequestException"
START = Operation(
    "athena",
    "StartQueryExecution",
    {
        "QueryString": "SELECT 1",
        "QueryExecutionContext": {"Database": "@database"},
        "ResultConfiguration": {"OutputLocation": "s3://@bucket/results/"},
    },
    INVALID,
)
GET = Operation("athena", "GetQueryExecution", {"QueryExecutionId": "@missing"}, INVALID)
RESULTS = Operation("athena", "GetQueryResults", {"QueryExecutionId": "@missing"}, INVALID)
STOP = Operation("athena", "StopQueryExecution", {"QueryExecutionId": "@missing"}, INVALID)
BATCH_GET = Operation("athena", "BatchGetQueryExecution", {"QueryExecutionIds": ["@missing"]}, INVALID)
LIST = Operation("athena", "ListQueryExecutions", {"WorkGroup": "primary"}, INVALID)
PREPARE = Operation(
    "athena",
    "CreatePreparedStatement",
    {"StatementName": "daily_totals", "WorkGroup": "primary", "QueryStatement": "SELECT ?"},
    INVALID,
)
NAME_QUERY = Operation(
    "athena", "CreateNamedQuery", {"Name": "totals", "Database": "d", "QueryString": "SELECT 1"}, INVALID
)
GROUP = Operation(
    "athena",
    "CreateWorkGroup",
    {
        "Name": "@new",
        "Configuration": {"ResultConfiguration": {"OutputLocation": "s3://@bucket/results/"}},
    },
    INVALID,
)
GET_GROUP = Operation("athena", "GetWorkGroup", {"WorkGroup": "primary"}, INVALID)
UPDATE_GROUP = Operation("athena", "UpdateWorkGroup", {"WorkGroup": "@missing"}, INVALID)
DELETE_GROUP = Operation("athena", "DeleteWorkGroup", {"WorkGroup": "@missing"}, INVALID)
CATALOG = Operation("athena", "GetDataCatalog", {"Name": "AwsDataCatalog"}, INVALID)
CATALOGS = Operation("athena", "ListDataCatalogs", {}, INVALID)
IN_CATALOG = {"CatalogName": "AwsDataCatalog"}
ATHENA_DATABASE = Operation(
    "athena", "GetDatabase", IN_CATALOG | {"DatabaseName": "@database"}, "MetadataException"
)
ATHENA_TABLE = Operation(
    "athena",
    "GetTableMetadata",
    IN_CATALOG | {"DatabaseName": "@database", "TableName": "@table"},
    "MetadataException",
)
DATABASES = Operation("athena", "ListDatabases", IN_CATALOG, INVALID)
TABLES = Operation("athena", "ListTableMetadata", IN_CATALOG | {"DatabaseName": "@database"}, INVALID)
GROUPS = Operation("athena", "ListWorkGroups", {}, INVALID)

COLUMN = {"Name": "review_body", "Type": "string"}
TABLE = {
    "Name": "@new",
    "TableType": "EXTERNAL_TABLE",
    "StorageDescriptor": {"Columns": [COLUMN], "Location": "s3://@bucket/data/"},
    "PartitionKeys": [{"Name": "dt", "Type": "string"}],
}
CREATE_TABLE = Operation("glue", "CreateTable", {"DatabaseName": "@database", "TableInput": TABLE})
UPDATE_TABLE = Operation(
    "glue",
    "UpdateTable",
    {"DatabaseName": "@database", "TableInput": TABLE | {"Name": "@missing"}},
    "EntityNotFoundException",
)
CREATE_DATABASE = Operation("glue", "CreateDatabase", {"DatabaseInput": {"Name": "@new"}})
GET_DATABASE = Operation("glue", "GetDatabase", {"Name": "@database"}, "EntityNotFoundException")
GET_TABLE = Operation(
    "glue", "GetTable", {"DatabaseName": "@database", "Name": "@table"}, "EntityNotFoundException"
)
GET_TABLES = Operation("glue", "GetTables", {"DatabaseName": "@database"}, "EntityNotFoundException")
DELETE_TABLE = Operation(
    "glue", "DeleteTable", {"DatabaseName": "@database", "Name": "@missing"}, "EntityNotFoundException"
)
PARTITIONS = Operation("glue", "GetPartitions", {"DatabaseName": "@database", "TableName": "@table"})
PARTITION = Operation(
    "glue",
    "CreatePartition",
    {
        "DatabaseName": "@database",
        "TableName": "@table",
        "PartitionInput": {"Values": ["@new"], "StorageDescriptor": {"Location": "s3://@bucket/data/"}},
    },
)
BATCH = Operation(
    "glue",
    "BatchCreatePartition",
    {
        "DatabaseName": "@database",
        "TableName": "@table",
        "PartitionInputList": [{"Values": ["@new"]}],
    },
)

NAMES = contract("6")
MISSING = "EntityNotFoundException"
LONGEST = "Member must have length less than or equal to"
ENUM = "Member must satisfy enum value set"
PATTERN = "Member must satisfy regular expression pattern"

REFUSED = [
    START.refused("no query", {"QueryString": REMOVED}, "queryString", MODEL),
    START.refused("empty query", {"QueryString": ""}, "length greater than or equal to 1", MODEL),
    START.refused(
        "query of 262145 bytes", {"QueryString": "SELECT " + "1" * 262_138}, f"{LONGEST} 262144", NAMES
    ),
    START.refused(
        "query of 262144 characters and more bytes",
        {"QueryString": "SELECT '" + "é" * 200_000 + "'"},
        "262144",
        NAMES,
    ),
    START.refused("token of 31 characters", {"ClientRequestToken": "t" * 31}, "equal to 32", MODEL),
    START.refused("no place for results", {"ResultConfiguration": REMOVED}, "No output location", NAMES),
    START.refused("results outside S3", {"ResultConfiguration.OutputLocation": "/tmp"}, "S3", MODEL_TEXT),
    START.refused("missing workgroup", {"WorkGroup": "@missing"}, "is not found", NAMES),
    START.refused("workgroup with a space", {"WorkGroup": "a b"}, PATTERN, MODEL),
    START.refused(
        "unknown encryption",
        {"ResultConfiguration.EncryptionConfiguration": {"EncryptionOption": "ROT13"}},
        ENUM,
        MODEL,
    ),
    START.refused(
        "results reused for more than a week",
        {
            "ResultReuseConfiguration": {
                "ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 10_081}
            }
        },
        "less than or equal to 10080",
        MODEL,
    ),
    START.refused("no parameter", {"ExecutionParameters": []}, "length greater than or equal to 1", MODEL),
    GET.refused("missing query", {}, "was not found", NAMES),
    RESULTS.refused("missing query", {}, "was not found", NAMES),
    RESULTS.refused("page of 1001", {"MaxResults": 1001}, "1000", MODEL),
    STOP.refused("missing query", {}, "was not found", NAMES),
    BATCH_GET.refused("no query", {"QueryExecutionIds": []}, "length greater than or equal to 1", MODEL),
    BATCH_GET.refused("51 queries", {"QueryExecutionIds": ["q"] * 51}, f"{LONGEST} 50", MODEL),
    LIST.refused("missing workgroup", {"WorkGroup": "@missing"}, "is not found", NAMES),
    LIST.refused("page of 51", {"MaxResults": 51}, "less than or equal to 50", MODEL),
    PREPARE.refused("name with a hyphen", {"StatementName": "daily-totals"}, PATTERN, MODEL),
    PREPARE.refused("no statement", {"QueryStatement": REMOVED}, "queryStatement", MODEL),
    PREPARE.refused("missing workgroup", {"WorkGroup": "@missing"}, "is not found", NAMES),
    PREPARE.refused(
        "statement that does not parse", {"QueryStatement": "SELEC 1"}, "mismatched input", NAMES
    ),
    NAME_QUERY.refused("no name", {"Name": REMOVED}, "name", MODEL),
    NAME_QUERY.refused("missing workgroup", {"WorkGroup": "@missing"}, "is not found", NAMES),
    GROUP.refused("name with a slash", {"Name": "a/b"}, PATTERN, MODEL),
    GROUP.refused("name of 129 characters", {"Name": "a" * 129}, PATTERN, MODEL),
    GROUP.refused("taken name", {"Name": "primary"}, "already created", NAMES),
    GROUP.refused(
        "limit of 9 MB",
        {"Configuration.BytesScannedCutoffPerQuery": 9_999_999},
        "greater than or equal to 10000000",
        MODEL,
    ),
    GET_GROUP.refused("missing", {"WorkGroup": "@missing"}, "is not found", NAMES),
    UPDATE_GROUP.refused("missing", {}, "is not found", NAMES),
    UPDATE_GROUP.refused("unknown state", {"WorkGroup": "primary", "State": "ASLEEP"}, ENUM, MODEL),
    DELETE_GROUP.refused("missing", {}, "is not found", NAMES),
    DELETE_GROUP.refused("primary", {"WorkGroup": "primary"}, "primary", MODEL_TEXT),
    CATALOG.refused("empty name", {"Name": ""}, "length greater than or equal to 1", MODEL),
    CATALOGS.refused("page of one", {"MaxResults": 1}, "greater than or equal to 2", MODEL),
    ATHENA_DATABASE.refused("missing", {"DatabaseName": "@missing"}, "not found", NAMES),
    ATHENA_TABLE.refused("missing", {"TableName": "@missing"}, "not found", NAMES),
    DATABASES.refused("page of 51", {"MaxResults": 51}, "less than or equal to 50", MODEL),
    TABLES.refused("page of 51", {"MaxResults": 51}, "less than or equal to 50", MODEL),
    GROUPS.refused("page of 51", {"MaxResults": 51}, "less than or equal to 50", MODEL),
    CREATE_TABLE.refused("no name", {"TableInput.Name": REMOVED}, "tableInput.name", MODEL),
    CREATE_TABLE.refused("empty name", {"TableInput.Name": ""}, "tableInput.name", MODEL),
    CREATE_TABLE.refused("name of 256 characters", {"TableInput.Name": "a" * 256}, f"{LONGEST} 255", MODEL),
    CREATE_TABLE.refused("type of 256 characters", {"TableInput.TableType": "x" * 256}, LONGEST, MODEL),
    CREATE_TABLE.refused(
        "column without a name", {"TableInput.StorageDescriptor.Columns": [{"Type": "int"}]}, "name", MODEL
    ),
    CREATE_TABLE.refused(
        "column comment of 256 characters",
        {"TableInput.StorageDescriptor.Columns": [COLUMN | {"Comment": "c" * 256}]},
        f"{LONGEST} 255",
        MODEL,
    ),
    CREATE_TABLE.refused("negative retention", {"TableInput.Retention": -1}, "retention", MODEL),
    CREATE_TABLE.refused("missing database", {"DatabaseName": "@missing"}, "", NAMES, MISSING),
    CREATE_TABLE.refused(
        "taken name", {"TableInput.Name": "@table"}, "already exists", NAMES, "AlreadyExistsException"
    ),
    UPDATE_TABLE.refused("missing table", {}, "", NAMES),
    GET_TABLE.refused("missing table", {"Name": "@missing"}, "not found", NAMES),
    GET_TABLE.refused("missing database", {"DatabaseName": "@missing"}, "not found", NAMES),
    GET_TABLES.refused("missing database", {"DatabaseName": "@missing"}, "not found", NAMES),
    DELETE_TABLE.refused("missing table", {}, "not found", NAMES),
    CREATE_DATABASE.refused("no name", {"DatabaseInput": {}}, "databaseInput.name", MODEL),
    CREATE_DATABASE.refused("name of 256", {"DatabaseInput.Name": "d" * 256}, f"{LONGEST} 255", MODEL),
    CREATE_DATABASE.refused(
        "taken name", {"DatabaseInput.Name": "@database"}, "already exists", NAMES, "AlreadyExistsException"
    ),
    GET_DATABASE.refused("missing", {"Name": "@missing"}, "not found", NAMES),
    PARTITIONS.refused("missing table", {"TableName": "@missing"}, "not found", NAMES, MISSING),
    PARTITIONS.refused("page of 1001", {"MaxResults": 1001}, "less than or equal to 1000", MODEL),
    PARTITIONS.refused(
        "eleven segments", {"Segment": {"SegmentNumber": 0, "TotalSegments": 11}}, "equal to 10", MODEL
    ),
    PARTITIONS.refused("filter of 2049 characters", {"Expression": "x" * 2049}, f"{LONGEST} 2048", MODEL),
    PARTITION.refused(
        "existing partition", {"PartitionInput.Values": ["taken"]}, "", NAMES, "AlreadyExistsException"
    ),
    PARTITION.refused("missing table", {"TableName": "@missing"}, "not found", NAMES, MISSING),
    PARTITION.refused(
        "two values for one key",
        {"PartitionInput.Values": ["a", "b"]},
        "",
        MODEL_TEXT,
        "InvalidInputException",
    ),
    BATCH.refused(
        "101 partitions", {"PartitionInputList": [{"Values": [f"{n}"]} for n in range(101)]}, LONGEST, MODEL
    ),
]

ACCEPTED = [
    START.accepted("plain"),
    START.accepted("longest query", {"QueryString": "SELECT 1 --" + "x" * 262_133}, NAMES),
    START.accepted("token", {"ClientRequestToken": "@new" + "t" * 32}),
    START.accepted("parameters", {"QueryString": "SELECT ?", "ExecutionParameters": ["1"]}),
    BATCH_GET.accepted("missing query"),
    LIST.accepted("primary"),
    NAME_QUERY.accepted("plain"),
    GROUP.accepted("plain"),
    GROUP.accepted("limit of 10 MB", {"Configuration.BytesScannedCutoffPerQuery": 10_000_000}),
    GET_GROUP.accepted("primary"),
    CATALOG.accepted("the one that is there"),
    CATALOGS.accepted("page of two", {"MaxResults": 2}),
    ATHENA_DATABASE.accepted("there"),
    ATHENA_TABLE.accepted("there"),
    DATABASES.accepted("all"),
    TABLES.accepted("all"),
    GROUPS.accepted("all"),
    CREATE_TABLE.accepted("plain"),
    CREATE_TABLE.accepted("column without a type", {"TableInput.StorageDescriptor.Columns": [{"Name": "a"}]}),
    CREATE_DATABASE.accepted("description", {"DatabaseInput.Description": "Bewertungen für Tests"}),
    GET_DATABASE.accepted("there"),
    GET_TABLE.accepted("there"),
    GET_TABLES.accepted("there"),
    PARTITIONS.accepted("segment", {"Segment": {"SegmentNumber": 0, "TotalSegments": 10}}),
    PARTITION.accepted("new"),
    BATCH.accepted("100 partitions", {"PartitionInputList": [{"Values": [f"b{n}"]} for n in range(100)]}),
]
