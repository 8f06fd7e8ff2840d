"""Joins, groups, windows, sets and arrays as rows: each query with the values that Trino's documentation gives or implies."""

# ruff: noqa: E501  a statement and its answer on one line read best

from __future__ import annotations

# Rows are separated by |, fields by commas; NULL is a missing value.
VALUES = [
    ("select listagg(x, ',') within group (order by x desc) from (values 'a','b') t(x)", "b,a"),
    ("select max_by(a,b), min_by(a,b) from (values (1,10),(null,20),(3,5)) t(a,b)", "NULL,3"),
    (
        "select sum(x), avg(x), count(*), count(distinct x) from (values 1,2,2) t(x)",
        "5,1.6666666666666667,3,2",
    ),
    ("select avg(x), sum(x) from (values 1.5, 2.25) t(x)", "1.88,3.75"),
    (
        "select avg(x) filter (where x > 1), sum(x) over (order by x) from (values 1,2,3) t(x) group by x order by x",
        "NULL,1|2.0,3|3.0,6",
    ),
    ("select x.a, u.w from (values 1) x(a) cross join unnest(array['p','q']) as u(w) order by w", "1,p|1,q"),
    ("select w, n from unnest(array['p','q']) with ordinality as u(w, n) order by n", "p,1|q,2"),
    ("select k, v from unnest(map(array['a','b'],array[1,2])) as u(k, v) order by k", "a,1|b,2"),
    ("select a, b from unnest(array[1,2], array['x']) as u(a,b) order by a", "1,x|2,NULL"),
    (
        "with t as (select 1 as a union all select 2) select a, row_number() over (order by a desc) from t order by 1",
        "1,2|2,1",
    ),
    ("select * from (values (1,'a'),(2,'b')) as t(x,y) order by x limit 1", "1,a"),
    ("select x from (values 1,2,3) t(x) order by x offset 1 limit 1", "2"),
    ("select x + 1 as y, count(*) from (values 1) t(x) group by x + 1 order by y", "2,1"),
    ("select x / 2 as h, count(*) from (values 1,2,3) t(x) group by x / 2 order by 1", "0,1|1,2"),
    (
        "select t.x, u.y from (values 1,2) t(x) left join (values (1,'a')) u(x,y) on t.x = u.x order by 1",
        "1,a|2,NULL",
    ),
    ("select count(*) from (values 1,2,3) t(x) where x in (select * from (values 1,2) s(y))", "2"),
    ("select x, (select max(y) from (values 5) s(y) where y > t.x) from (values 1) t(x)", "1,5"),
    (
        "select array_agg(x order by x desc), array_join(array['a',null,'b'],','), array_distinct(array[2,1,2]), contains(array[1],1), array_max(array[1,3]), sequence(1,3), slice(array[1,2,3],2,2), flatten(array[array[1],array[2]]) from (values 1,2) t(x)",
        "[2, 1],a,b,[2, 1],true,3,[1, 2, 3],[2, 3],[1, 2]",
    ),
    (
        "select lag(x) over (order by x), lead(x,1,0) over (order by x), first_value(x) over (order by x), rank() over (order by x), ntile(2) over (order by x), sum(x) over (order by x rows between 1 preceding and current row) from (values 1,2,3) t(x) order by x",
        "NULL,2,1,1,1,1|1,3,1,2,1,3|2,0,1,3,2,5",
    ),
    ("select x from (values 'b','a',null) t(x) order by x desc", "b|a|NULL"),
    ("select 1 union select 2 order by 1", "1|2"),
    ("select 1, 2 intersect select 1, 2", "1,2"),
    ("select x, count(*) over () c from (values 1,2) t(x) where x > 1", "2,1"),
    (
        "select grouping(a), a, sum(b) from (values ('x',1),('y',2)) t(a,b) group by rollup(a) order by 1, 2",
        "0,x,1|0,y,2|1,NULL,3",
    ),
    ("select count(*) from (values 1,2,3) t(x) tablesample bernoulli (100)", "3"),
    ("select sum(x) from (values cast(1.5 as real), cast(2 as real)) t(x)", "3.5"),
    ("select max(x), min(x) from (values 'a','b') t(x)", "b,a"),
    ("select x, y from (values 1,2) a(x) cross join (values 3) b(y) where x < y order by x", "1,3|2,3"),
    ("select max(x) from (values 1) t(x) having max(x) > 0", "1"),
    (
        "select percent_rank() over (order by x), dense_rank() over (order by x) from (values 1,1,2) t(x)",
        "0.0,1|0.0,1|1.0,2",
    ),
    (
        "select a.x, b.x from (values 1,2) a(x) full outer join (values 2,3) b(x) on a.x = b.x order by 1,2",
        "1,NULL|2,2|NULL,3",
    ),
    ("select t.a from (values (1,2)) t(a,b) join (values 2) u(c) on t.b = u.c and t.a < u.c", "1"),
    ("with w as (select 1.0/3 as r) select r/2, r*2 from w", "0.2,0.6"),
    ("select length(w) from unnest(split('aa b',' ')) as t(w) order by 1", "1|2"),
    ("select a.x, t.w from (values 'p q') a(x), unnest(split(a.x,' ')) as t(w) order by 2", "p q,p|p q,q"),
    ("select sum(case when x > 1 then 1 else 0 end) * 100.0 / count(*) from (values 1,2,3) t(x)", "66.7"),
    (
        "select round(sum(case when x > 1 then 1 else 0 end) * 1e0 / count(*), 3) from (values 1,2,3) t(x)",
        "0.667",
    ),
    ("select 1 = any (select 1), 2 > all (select 1)", "true,true"),
    ("select count(*) from (values (1,null),(2,3)) t(a,b) where b is not null and a <> b", "1"),
    ("select max(length(s)), min(s), count(distinct s) from (values 'a','bbb') t(s)", "3,a,2"),
    ("select row_number() over () from (values 1,2) t(x)", "1|2"),
    (
        "select json_extract_scalar(j, '$.name') from (values '{\"name\":\"x\"}', 'bad') t(j) order by 1",
        "x|NULL",
    ),
    (
        "select regexp_extract_all('a1b22','[0-9]+'), regexp_split('a1b2c','[0-9]'), regexp_count('a1b2','[0-9]')",
        "[1, 22],[a, b, c],2",
    ),
    ("select x, y from unnest(array[1, 2]) a(x) cross join unnest(array[3]) b(y) order by 1", "1,3|2,3"),
    (
        "select u.w, n from (values 'p q') t(x) cross join unnest(split(t.x, ' ')) u(w) cross join unnest(array[1]) v(n) order by 1",
        "p,1|q,1",
    ),
    (
        "select a, b, sum(c) from (values (1, 2, 3), (1, 3, 4)) t(a, b, c) group by grouping sets ((a, b), (a), ()) order by 1, 2",
        "1,2,3|1,3,4|1,NULL,7|NULL,NULL,7",
    ),
    (
        "select a, b, sum(c) from (values (1, 2, 3)) t(a, b, c) group by cube (a, b) order by 1, 2",
        "1,2,3|1,NULL,3|NULL,2,3|NULL,NULL,3",
    ),
    (
        "select sum(x) over (order by x range between unbounded preceding and current row) from (values 1, 1, 2) t(x) order by 1",
        "2|2|4",
    ),
    ("select x from (values 1, null, 0) t(x) order by x", "0|1|NULL"),
    ("select x from (values 1, null, 0) t(x) order by x desc nulls first", "NULL|1|0"),
    ("select array_agg(x order by x desc) from (values 1, null, 2) t(x)", "[2, 1, null]"),
    ("values (1, 'a'), (2, 'b')", "1,a|2,b"),
]
