"""Dates and times: each query with the values that Trino's documentation gives or implies."""

# ruff: noqa: E501  a statement and its answer on one line read best

from __future__ import annotations

# Rows are separated by |, fields by commas; NULL is a missing value.
VALUES = [
    ("select date_diff('month', date '2020-01-31', date '2020-02-29')", "1"),
    ("select date_diff('day', timestamp '2020-01-01 23:00:00', timestamp '2020-01-02 01:00:00')", "0"),
    (
        "select date_add('month', 1, date '2020-01-31'), date_add('hour', 1, timestamp '2020-01-01 00:00:00'), date_add('day',-1,date '2020-03-01')",
        "2020-02-29,2020-01-01 01:00:00.000,2020-02-29",
    ),
    (
        "select date_trunc('month', date '2020-05-17'), date_trunc('hour', timestamp '2020-05-17 10:11:12')",
        "2020-05-01,2020-05-17 10:00:00.000",
    ),
    (
        "select date_parse('2020-01-02 03:04:05','%Y-%m-%d %H:%i:%s'), date_format(timestamp '2020-01-02 13:04:05', '%d/%c/%y %W %h %p %T')",
        "2020-01-02 03:04:05.000,02/1/20 Thursday 01 PM 13:04:05",
    ),
    (
        "select json_extract_scalar('{\"a\":{\"b\":[1,2]}}','$.a.b[1]'), json_extract_scalar('{\"a\":{}}','$.a'), json_extract('{\"a\":{\"b\":1}}','$.a')",
        '2,NULL,{"b":1}',
    ),
    (
        "select regexp_like('abc','b'), regexp_extract('abc123','([a-z]+)([0-9]+)',2), regexp_extract('abc','\\d'), regexp_replace('a1b2','[0-9]'), regexp_replace('a1b2','([a-z])([0-9])','$2$1')",
        "true,123,NULL,ab,1a2b",
    ),
    (
        "select from_unixtime(0), to_unixtime(timestamp '1970-01-02 00:00:00')",
        "1970-01-01 00:00:00.000 UTC,86400.0",
    ),
    (
        "select cast(1.5e0 as varchar), cast(1e10 as varchar), cast(timestamp '2020-01-01 10:00:00' as varchar), cast(date '2020-01-01' as varchar), cast(true as varchar), cast(0.0001e0 as varchar)",
        "1.5E0,1.0E10,2020-01-01 10:00:00.000,2020-01-01,true,1.0E-4",
    ),
    (
        "select day_of_week(date '2024-01-07'), extract(dow from date '2024-01-07'), week(date '2024-01-07'), year(date '2024-01-07'), quarter(date '2024-05-01'), day_of_year(date '2024-02-01')",
        "7,7,1,2024,2,32",
    ),
    (
        "select date '2020-01-31' - date '2020-01-01', timestamp '2020-01-02 00:00:00' - timestamp '2020-01-01 12:00:00'",
        "30 00:00:00.000,0 12:00:00.000",
    ),
    ("select current_date = current_date, now() > timestamp '2020-01-01 00:00:00'", "true,true"),
    (
        "select date '2020-01-01' between date '2019-01-01' and date '2021-01-01', 5 between 1 and 3, 'b' in ('a','b'), 1 not in (2,3), null is null, 1 is distinct from null",
        "true,false,true,true,true,true",
    ),
    (
        "select cast('2020-01-01 10:00:00' as timestamp), cast('2020-01-01' as date), cast(' 5' as double)",
        "2020-01-01 10:00:00.000,2020-01-01,5.0",
    ),
    (
        "select to_iso8601(date '2020-01-01'), to_iso8601(timestamp '2020-01-01 10:00:00')",
        "2020-01-01,2020-01-01T10:00:00.000",
    ),
    (
        "select last_day_of_month(date '2020-02-01'), date('2020-02-03'), from_iso8601_date('2020-02-03')",
        "2020-02-29,2020-02-03,2020-02-03",
    ),
    ("select date_diff('day', min(d), max(d)) from (values date '2020-01-01', date '2020-01-11') t(d)", "10"),
    (
        "select substr(cast(date_trunc('year', d) as varchar),1,4) y, count(*) from (values date '2020-01-01', date '2020-06-11') t(d) group by substr(cast(date_trunc('year', d) as varchar),1,4)",
        "2020,2",
    ),
    (
        "select date_format(date '2020-01-05','%Y-%m'), month(date '2020-01-05'), day(date '2020-01-05'), hour(timestamp '2020-01-05 07:08:09'), minute(timestamp '2020-01-05 07:08:09'), second(timestamp '2020-01-05 07:08:09'), day_of_month(date '2020-01-05'), millisecond(timestamp '2020-01-05 07:08:09.123')",
        "2020-01,1,5,7,8,9,5,123",
    ),
    (
        "select date_trunc('week', date '2020-01-08'), date_trunc('quarter', timestamp '2020-05-17 10:11:12'), date_diff('week', date '2020-01-01', date '2020-01-15'), date_add('quarter', 1, date '2020-01-31')",
        "2020-01-06,2020-04-01 00:00:00.000,2,2020-04-30",
    ),
]
