"""Functions and operators on single values: each query with the values that Trino's documentation gives or implies."""

# ruff: noqa: E501  a statement and its answer on one line read best

from __future__ import annotations

# Rows are separated by |, fields by commas; NULL is a missing value.
VALUES = [
    ("select approx_percentile(x, 0.5), approx_distinct(x) from (values 1,2,3,4,5) t(x)", "3,5"),
    ("select approx_percentile(x, array[0.5,0.9]) from (values 1,2,3,4,5) t(x)", "[3, 5]"),
    (
        "select element_at(array[1,2],1), element_at(array[1,2],5), element_at(array[1,2],-1), element_at(map(array['a'],array[9]),'a'), element_at(map(array['a'],array[9]),'z')",
        "1,NULL,2,9,NULL",
    ),
    ("select cardinality(split('a b c',' ')), cardinality(map(array['a'],array[1]))", "3,1"),
    ("select split('a,b,,c',','), split('a,b,c',',',2)", "[a, b, , c],[a, b,c]"),
    ("select map_agg(k,v) from (values ('a',1),('b',2)) t(k,v)", "{a=1, b=2}"),
    (
        "select multimap_agg(k, v) from (values ('a', 1), ('b', 2), ('a', 3), ('b', null), (null, 5)) t(k, v)",
        "{a=[1, 3], b=[2, null]}",
    ),
    (
        "select g, multimap_agg(k, v) filter (where v > 1) from (values ('x', 'a', 1), ('x', 'a', 2), ('y', 'b', 3), ('y', 'a', 0)) t(g, k, v) group by g order by g",
        "x,{a=[2]}|y,{b=[3]}",
    ),
    ("select cardinality(element_at(multimap_agg(k, v), 'a')) from (values ('a', 1), ('a', 3)) t(k, v)", "2"),
    ("select multimap_agg(k, v) from (values ('a', 1)) t(k, v) where k = 'z'", "NULL"),
    (
        "select map_zip_with(map(array[1, 2, 3], array['a', 'b', 'c']), map(array[1, 2, 3], array['d', 'e', 'f']), (k, v1, v2) -> concat(v1, v2))",
        "{1=ad, 2=be, 3=cf}",
    ),
    (
        "select map_zip_with(map(array['k1', 'k2'], array[1, 2]), map(array['k2', 'k3'], array[4, 9]), (k, v1, v2) -> (v1, v2))",
        "{k1={field0=1, field1=null}, k2={field0=2, field1=4}, k3={field0=null, field1=9}}",
    ),
    (
        "select map_zip_with(map(array['a', 'b', 'c'], array[1, 8, 27]), map(array['a', 'b', 'c'], array[1, 2, 3]), (k, v1, v2) -> k || cast(v1 / v2 as varchar))",
        "{a=a1, b=b4, c=c9}",
    ),
    (
        "select map_zip_with(m, n, (k, a, b) -> a) from (values (map(array[1], array[2]), if(1 = 2, map(array[1], array[2])))) t(m, n)",
        "NULL",
    ),
    ("select histogram(x) from (values 1,1,2) t(x)", "{1=2, 2=1}"),
    (
        "select try_cast('x' as integer), try_cast('2.5' as integer), try(1/0), try(cast('x' as integer))",
        "NULL,NULL,NULL,NULL",
    ),
    (
        "select cast(2.5e0 as integer), cast(-2.5e0 as integer), cast(1.5 as integer), cast(3.999 as bigint)",
        "3,-3,2,4",
    ),
    (
        "select 1e10, 1e-4, 0.5e0, 123456.789e0, 1e7, 100e0, cast(0.1 as real)",
        "1.0E10,1.0E-4,0.5,123456.789,1.0E7,100.0,0.1",
    ),
    (
        "select 5/2, -5/2, 5 % 3, -5 % 3, mod(5,3), 5.0/2, 1.0/3, 5/2e0, 7*100.0/3",
        "2,-2,2,-2,2,2.5,0.3,2.5,233.3",
    ),
    (
        "select concat('a', null), concat('a','b','c'), concat(array[1],array[2]), 'a' || null",
        "NULL,abc,[1, 2],NULL",
    ),
    ("select greatest(1,null), least(3,1,2), coalesce(null,2), nullif(1,1)", "NULL,1,2,NULL"),
    (
        "select substr('hello',2,3), substr('hello',-3), substr('hello',0), substring('hello' from 2 for 2)",
        "ell,llo,,el",
    ),
    (
        "select trim('  a '), ltrim(' a'), upper('é'), length('é'), reverse('abc'), strpos('hello','l'), position('l' in 'hello'), replace('abc','b'), replace('abc','b','x')",
        "a,a,É,1,cba,3,3,ac,axc",
    ),
    (
        "select transform(array[1,2], x -> x + 1), filter(array[1,2,3], x -> x > 1), reduce(array[1,2,3], 0, (s, x) -> s + x, s -> s), any_match(array[1,2], x -> x > 1)",
        "[2, 3],[2, 3],6,true",
    ),
    ("select cast(row(1,'a') as row(x integer, y varchar))", "{x=1, y=a}"),
    ("select cast(row(1,'a') as row(x integer, y varchar)).y", "a"),
    (
        "select cast(json_parse('[1,2]') as array(integer)), cast(json_parse('{\"a\":1}') as map(varchar,integer))",
        "[1, 2],{a=1}",
    ),
    ("select json_array_length('[1,2,3]'), json_format(json_parse('{\"a\": 1}'))", '3,{"a":1}'),
    (
        "select md5(to_utf8('a')), to_hex(md5(to_utf8('a'))), lower(to_hex(sha256(to_utf8('a'))))",
        "0c c1 75 b9 c0 f1 b6 a8 31 c3 99 e2 69 77 26 61,0CC175B9C0F1B6A831C399E269772661,ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    ),
    (
        "select round(2.5), round(2.345,2), round(2.5e0), floor(-1.5), ceil(1.2), floor(7), abs(-3), power(2,3), sqrt(16), truncate(1.7e0), sign(-2)",
        "3,2.350,3.0,-2,2,7,3,8.0,4.0,1.0,-1",
    ),
    ("select if(1>0,'a','b'), if(1<0,'a'), case when 1=1 then 'x' else 'y' end", "a,NULL,x"),
    (
        "select count_if(x > 1), bool_or(x>1), arbitrary(1), stddev(x), variance(x), corr(x, x) from (values 1,2,3) t(x)",
        "2,true,1,1.0,1.0,1.0",
    ),
    ("select 'a_b' like 'a\\_b' escape '\\', 'abc' like 'a%', 'abc' not like 'b%'", "true,true,true"),
    ("select t.* from (values (1,2)) t(a,b)", "1,2"),
    ('select "A" from (values 1) t(a)', "1"),
    ("select array[1,null,3], map(array['a'],array[null]), array['x']", "[1, null, 3],{a=null},[x]"),
    (
        "select 1.5 + 2, 1.5 * 2.25, 10 - 2.5, 2 * 3.0e0, cast(1 as decimal(10,2)) / 3",
        "3.5,3.375,7.5,6.0,0.33",
    ),
    ("select * from (select x, x/2 as h from (values 5) t(x)) where h = 2", "5,2"),
    (
        "select try_cast('2020-13-01' as date), try_cast('2020-01-01' as date), try_cast('t' as boolean), try_cast('yes' as boolean)",
        "NULL,2020-01-01,true,NULL",
    ),
    (
        "select map_keys(map(array['a'],array[1])), map_values(map(array['a'],array[1])), map_concat(map(array['a'],array[1]),map(array['b'],array[2]))",
        "[a],[1],{a=1, b=2}",
    ),
    (
        "select cast('12' as bigint) + 1, cast(5 as double), cast('1.25' as decimal(5,2)), cast(1 as boolean), cast('true' as boolean)",
        "13,5.0,1.25,true,true",
    ),
    ("select x from (values null, 1) t(x) where x = 1", "1"),
    ("select random() < 1, random(10) < 10, rand() >= 0", "true,true,true"),
    (
        "select width_bucket(5.0e0,0,10,4), ln(e()), log(2,8), log10(100), exp(0), pi() > 3, degrees(pi()), bitwise_and(6,3), is_nan(nan())",
        "3,1.0,3.0,2.0,1.0,true,180.0,2,true",
    ),
    (
        "select typeof(1), typeof('ab'), typeof(1.5), typeof(1e0), typeof(array[1]), typeof(true), typeof(1/2), typeof(cast('a' as varchar)), typeof(cast(1 as decimal(10,2)))",
        "integer,varchar(2),decimal(2,1),double,array(integer),boolean,integer,varchar,decimal(10,2)",
    ),
    (
        "select url_extract_protocol(u), url_extract_host(u), url_extract_port(u), url_extract_path(u), url_extract_query(u), url_extract_fragment(u), url_extract_parameter(u, 'y'), url_extract_parameter(u, 'z') from (values 'http://me@a.b:80/p/q?x=1&y=%20z#f') t(u)",
        "http,a.b,80,/p/q,x=1&y= z,f, z,NULL",
    ),
    ("select url_encode('a b~*'), url_decode('a+b%2F')", "a+b%7E*,a b/"),
    (
        "select transform_values(map(array['a'], array[1]), (k, v) -> v / 2 + 1), transform_keys(map(array['a'], array[1]), (k, v) -> upper(k))",
        "{a=1},{A=1}",
    ),
    (
        "select map_filter(map(array['a', 'b'], array[1, 2]), (k, v) -> v > 1 and k = 'b'), map_filter(map(array[1], array[2]), (k, v) -> false)",
        "{b=2},{}",
    ),
    (
        "select zip_with(array[1, 2], array[3, 4], (x, y) -> x + y), zip_with(array[1, 2], array['a'], (x, y) -> y)",
        "[4, 6],[a, null]",
    ),
    (
        "select json_extract_scalar('{\"a b\": 1}', '$[\"a b\"]'), json_extract_scalar(j, '$.c[0][''d'']'), json_extract(j, '$.c[0]'), json_extract_scalar(j, '$.nope') from (values '{\"c\": [{\"d\": 2}]}') t(j)",
        '1,2,{"d":2},NULL',
    ),
    ("select split_part('a,b', ',', 1), split_part('a,b', ',', 3)", "a,NULL"),
    ("select 1+2+3, 'a'||'b'||'c', x*x*x, 10-3-2, 100/7/2, 1.5+1+2 from (values 2) t(x)", "6,abc,8,5,7,4.5"),
]
