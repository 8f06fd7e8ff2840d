"""Timestamps with time zone: the values that the documentation of Athena and Trino gives or implies."""

# ruff: noqa: E501  a statement and its answer on one line read best

from __future__ import annotations

# Rows are separated by |, fields by commas; NULL is a missing value.
VALUES = [
    # The examples of Athena's page on time zones.
    (
        "select timestamp '2012-10-31 01:00 UTC' at time zone 'America/Los_Angeles'",
        "2012-10-30 18:00:00.000 America/Los_Angeles",
    ),
    (
        "select at_timezone(timestamp '2021-08-22 00:00 UTC', 'Canada/Newfoundland')",
        "2021-08-21 21:30:00.000 Canada/Newfoundland",
    ),
    (
        "select timezone_hour(timestamp '2021-08-22 04:00 UTC' at time zone 'Canada/Newfoundland'), timezone_minute(timestamp '2021-08-22 04:00 UTC' at time zone 'Canada/Newfoundland')",
        "-2,-30",
    ),
    (
        "select with_timezone(timestamp '2021-08-22 04:00', 'Canada/Newfoundland')",
        "2021-08-22 04:00:00.000 Canada/Newfoundland",
    ),
    # A timestamp without a zone is one of the session's, UTC: the operator moves it, it does not name it.
    (
        "select timestamp '2020-01-01 10:00:00' at time zone 'america/new_york', current_timezone()",
        "2020-01-01 05:00:00.000 America/New_York,UTC",
    ),
    (
        "select t at time zone 'Z', t at time zone '+05:30', t at time zone 'Etc/GMT+5', t at time zone 'Asia/Tokyo' at time zone 'UTC' from (values timestamp '2024-01-01 00:00:00') x(t)",
        "2024-01-01 00:00:00.000 UTC,2024-01-01 05:30:00.000 +05:30,2023-12-31 19:00:00.000 -05:00,2024-01-01 00:00:00.000 UTC",
    ),
    (
        "select timestamp '2024-01-01 10:00+02:00', cast('2024-01-01 10:00 asia/tokyo' as timestamp with time zone), try_cast('2024-13-01 10:00 Asia/Tokyo' as timestamp with time zone), try_cast('2024-01-01 10:00 Nope' as timestamp with time zone)",
        "2024-01-01 10:00:00.000 +02:00,2024-01-01 10:00:00.000 Asia/Tokyo,NULL,NULL",
    ),
    # Hours and days are the zone's own.
    (
        "select hour(z), day(z), extract(dow from z), extract(timezone_hour from z), date_format(z, '%Y-%m-%d %H:%i'), date(z), last_day_of_month(z), cast(z as date), cast(z as timestamp) from (select t at time zone 'Asia/Tokyo' z from (values timestamp '2024-01-31 20:00:00') x(t))",
        "5,1,4,9,2024-02-01 05:00,2024-02-01,2024-02-29,2024-02-01,2024-02-01 05:00:00.000",
    ),
    (
        "select cast(z as varchar), to_iso8601(z), to_unixtime(z), typeof(z) from (values timestamp '1970-01-01 16:30 -03:30') x(z)",
        "1970-01-01 16:30:00.000 -03:30,1970-01-01T16:30:00.000-03:30,72000.0,timestamp(3) with time zone",
    ),
    (
        "select d, count(*) from (select date_trunc('day', t at time zone 'America/New_York') d from (values timestamp '2024-01-01 03:00:00', timestamp '2024-01-01 13:00:00', timestamp '2024-01-01 04:59:00') x(t)) group by d order by d",
        "2023-12-31 00:00:00.000 America/New_York,2|2024-01-01 00:00:00.000 America/New_York,1",
    ),
    # Instants are what is compared.
    (
        "select a.t from (values timestamp '2024-01-01 09:00 Asia/Tokyo') a(t) join (values timestamp '2024-01-01 00:00 UTC') b(t) on a.t = b.t where a.t in (timestamp '2024-01-01 00:00 UTC') and a.t between date '2023-12-31' and now()",
        "2024-01-01 09:00:00.000 Asia/Tokyo",
    ),
    (
        "select max(t at time zone 'Asia/Tokyo'), count(t at time zone 'Asia/Tokyo'), (min(t) at time zone 'Asia/Tokyo') is null from (values timestamp '2024-01-01 03:00:00', null, timestamp '2024-01-01 13:00:00') x(t)",
        "2024-01-01 22:00:00.000 Asia/Tokyo,2,false",
    ),
    # The night that clocks go forward is an hour short, the night that they go back has one hour twice.
    (
        "select z + interval '1' day, date_add('day', 1, z), date_add('hour', 24, z), date_diff('hour', z, date_add('day', 1, z)), date_add('day', 1, z) - z from (values timestamp '2024-03-09 10:00 America/New_York') x(z)",
        "2024-03-10 11:00:00.000 America/New_York,2024-03-10 10:00:00.000 America/New_York,2024-03-10 11:00:00.000 America/New_York,23,0 23:00:00.000",
    ),
    (
        "select at_timezone(with_timezone(timestamp '2024-11-03 01:30:00', 'America/New_York'), 'UTC'), with_timezone(timestamp '2024-03-10 02:30:00', 'America/New_York')",
        "2024-11-03 05:30:00.000 UTC,2024-03-10 03:30:00.000 America/New_York",
    ),
    (
        "select cast(date_trunc('hour', z) at time zone 'UTC' as varchar), timestamp '2024-01-31 10:00 America/New_York' + interval '1' month from (values timestamp '2024-11-03 06:45 UTC' at time zone 'America/New_York') x(z)",
        "2024-11-03 06:00:00.000 UTC,2024-02-29 10:00:00.000 America/New_York",
    ),
    # Functions within functions are calculated once each: written out as text they would take minutes.
    (
        "select date_add('month', 1, date_trunc('day', date_add('hour', 5, date_trunc('hour', date_add('day', 1, date_trunc('minute', date_add('minute', 1, z))))))), row_number() over (order by date_trunc('day', date_add('day', 1, z))) from (values timestamp '2024-03-09 10:30 America/New_York') x(z) where date_trunc('day', date_add('day', 1, z)) is not null",
        "2024-04-10 00:00:00.000 America/New_York,1",
    ),
    (
        "select from_unixtime(0, 'America/New_York'), from_unixtime(0, 5, 30), from_unixtime(0)",
        "1969-12-31 19:00:00.000 America/New_York,1970-01-01 05:30:00.000 +05:30,1970-01-01 00:00:00.000 UTC",
    ),
    (
        "select from_iso8601_timestamp('2020-05-11T11:15:05+02:00'), from_iso8601_timestamp('2020-05-11T11:15:05Z')",
        "2020-05-11 11:15:05.000 +02:00,2020-05-11 11:15:05.000 UTC",
    ),
    # Two zones side by side are two columns; nothing compares them.
    (
        "select date_trunc('day', t at time zone 'Asia/Tokyo'), date_trunc('day', t at time zone 'UTC'), count(*) from (select timestamp '2024-01-31 20:00' t) group by 1, 2",
        "2024-02-01 00:00:00.000 Asia/Tokyo,2024-01-31 00:00:00.000 UTC,1",
    ),
    (
        "select count(distinct t at time zone 'Asia/Tokyo'), nullif(max(t) at time zone 'Asia/Tokyo', max(t) at time zone 'Asia/Tokyo') from (values timestamp '2024-01-31 20:00', timestamp '2024-01-31 20:00') x(t)",
        "1,NULL",
    ),
]
ERRORS = [
    (
        "select now() at time zone 'Mars/Base'",
        "INVALID_FUNCTION_ARGUMENT: 'Mars/Base' is not a valid time zone",
    ),
    (
        "select date '2020-01-01' at time zone 'UTC'",
        "TYPE_MISMATCH: line 1:13: Type of value must be a time or timestamp with or without time zone (actual date)",
    ),
    (
        "select with_timezone(now(), 'UTC')",
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (timestamp with time zone, varchar) for function with_timezone",
    ),
    (
        "select cast(now() at time zone 'UTC' as bigint)",
        "TYPE_MISMATCH: line 1:13: Cannot cast timestamp with time zone to bigint",
    ),
    (
        "select timestamp '2024-01-01 10:00 Nope'",
        "INVALID_LITERAL: line 1:18: '2024-01-01 10:00 Nope' is not a valid TIMESTAMP literal",
    ),
    (
        "select cast('2024-01-01 10:00 Nope' as timestamp with time zone)",
        "INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp with time zone: 2024-01-01 10:00 Nope",
    ),
    (
        "select now() at time zone z from (values 'UTC') t(z)",
        "MALFORMED_QUERY: line 1:8: mismatched input. Expecting: 'INTERVAL', <string>",
    ),
    # Equal instants of two zones are equal: where DuckDB itself would compare them, the query is refused.
    (
        "select count(distinct z) from (values timestamp '2024-01-01 09:00 Asia/Tokyo', timestamp '2024-01-01 01:00 +01:00') t(z)",
        "NOT_SUPPORTED: line 1:23: The local stand-in does not support equality of timestamps of several time zones here",
    ),
    (
        "select timestamp '2024-01-01 09:00 Asia/Tokyo' union select timestamp '2024-01-01 01:00 +01:00'",
        "NOT_SUPPORTED: line 1:18: The local stand-in does not support equality of timestamps of several time zones here",
    ),
    (
        "select 1 from (values timestamp '2024-01-01 09:00 Asia/Tokyo') a(z) join (values timestamp '2024-01-01 01:00 +01:00') b(z) using (z)",
        "NOT_SUPPORTED: line 1:92: The local stand-in does not support equality of timestamps of several time zones here",
    ),
    (
        "select array[now() at time zone 'UTC']",
        "NOT_SUPPORTED: The local stand-in does not support timestamps with time zone inside arrays, maps and rows",
    ),
    (
        "select coalesce(now(), now() at time zone 'UTC')",
        "NOT_SUPPORTED: line 1:8: The local stand-in does not support AT TIME ZONE in this place",
    ),
    (
        "select now() at time zone 'UTC' union all select now()",
        "NOT_SUPPORTED: The local stand-in does not support AT TIME ZONE in this place",
    ),
]
