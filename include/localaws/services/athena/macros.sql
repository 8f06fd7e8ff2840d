-- Trino's scalar functions where DuckDB's function of that name is missing or means something else.
-- Each is named trino_<Trino's name>. Errors are raised by casting their text to a number, because DuckDB
-- allows that inside TRY(); errors.py turns them back into Trino's wording.

-- Numbers
CREATE MACRO trino_integer_divide(a, b) AS
    CASE WHEN b = 0 THEN CAST('DIVISION_BY_ZERO: Division by zero' AS TINYINT) ELSE a // b END;
CREATE MACRO trino_decimal_divide(a, b) AS
    CASE WHEN b = 0 THEN CAST('DIVISION_BY_ZERO: Division by zero' AS TINYINT)
    ELSE cast_to_type(CAST(a AS DOUBLE) / CAST(b AS DOUBLE), a + b + CAST(0 AS DECIMAL(38, 0))) END;
CREATE MACRO trino_modulo(a, b) AS
    CASE WHEN b = 0 THEN CAST('DIVISION_BY_ZERO: Division by zero' AS TINYINT) ELSE a % b END;
CREATE MACRO trino_truncate(x) AS trunc(x);
CREATE MACRO trino_log(b, x) AS ln(CAST(x AS DOUBLE)) / ln(CAST(b AS DOUBLE));
CREATE MACRO trino_is_nan(x) AS isnan(x);
CREATE MACRO trino_is_finite(x) AS isfinite(x);
CREATE MACRO trino_is_infinite(x) AS isinf(x);
CREATE MACRO trino_infinity() AS CAST('Infinity' AS DOUBLE);
CREATE MACRO trino_nan() AS CAST('NaN' AS DOUBLE);
CREATE MACRO trino_e() AS exp(CAST(1 AS DOUBLE));
CREATE MACRO trino_bitwise_and(a, b) AS CAST(a AS BIGINT) & CAST(b AS BIGINT);
CREATE MACRO trino_bitwise_or(a, b) AS CAST(a AS BIGINT) | CAST(b AS BIGINT);
CREATE MACRO trino_bitwise_xor(a, b) AS xor(CAST(a AS BIGINT), CAST(b AS BIGINT));
CREATE MACRO trino_width_bucket(x, low, high, n) AS CAST(CASE
    WHEN low < high THEN
        CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1
        ELSE floor((CAST(x AS DOUBLE) - low) / (CAST(high AS DOUBLE) - low) * n) + 1 END
    ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1
        ELSE floor((CAST(low AS DOUBLE) - x) / (CAST(low AS DOUBLE) - high) * n) + 1 END
    END AS BIGINT);

-- Strings
CREATE MACRO trino_trim(s) AS regexp_replace(s, '^[\s\x{0B}\pZ]+|[\s\x{0B}\pZ]+$', '', 'g');
CREATE MACRO trino_ltrim(s) AS regexp_replace(s, '^[\s\x{0B}\pZ]+', '');
CREATE MACRO trino_rtrim(s) AS regexp_replace(s, '[\s\x{0B}\pZ]+$', '');
CREATE MACRO trino_substr(s, i) AS CASE WHEN i = 0 OR i > length(s) OR -i > length(s) THEN left(s, 0)
    ELSE substring(s, i) END,
    (s, i, n) AS CASE WHEN i = 0 OR n <= 0 OR i > length(s) OR -i > length(s) THEN left(s, 0)
    ELSE substring(s, i, n) END;
CREATE MACRO trino_split(s, d) AS string_split(s, d),
    (s, d, n) AS CASE WHEN len(string_split(s, d)) <= n THEN string_split(s, d)
    ELSE list_append(string_split(s, d)[1:n - 1], array_to_string(string_split(s, d)[n:], d)) END;
CREATE MACRO trino_split_part(s, d, i) AS CASE
    WHEN i < 1 THEN CAST('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero' AS TINYINT)::VARCHAR
    ELSE string_split(s, d)[i] END;
CREATE MACRO trino_split_to_map(s, d, k) AS map_from_entries(list_transform(
    string_split(s, d), lambda part: (string_split(part, k)[1], string_split(part, k)[2])));
CREATE MACRO trino_replace(s, a) AS replace(s, a, ''), (s, a, b) AS replace(s, a, b);
CREATE MACRO trino_lpad(s, n, p) AS lpad(s, CAST(n AS INTEGER), p);
CREATE MACRO trino_rpad(s, n, p) AS rpad(s, CAST(n AS INTEGER), p);
CREATE MACRO trino_codepoint(s) AS ascii(s);
CREATE MACRO trino_chr(n) AS chr(CAST(n AS INTEGER));
CREATE MACRO trino_levenshtein_distance(a, b) AS levenshtein(a, b);
CREATE MACRO trino_hamming_distance(a, b) AS hamming(a, b);
CREATE MACRO trino_to_utf8(s) AS encode(s);
CREATE MACRO trino_from_utf8(b) AS decode(b);
CREATE MACRO trino_to_hex(b) AS hex(CAST(b AS BLOB));
CREATE MACRO trino_from_hex(s) AS unhex(s);
CREATE MACRO trino_to_base64(b) AS to_base64(CAST(b AS BLOB));
CREATE MACRO trino_from_base64(s) AS from_base64(s);
CREATE MACRO trino_md5(b BLOB) AS unhex(md5(b));
CREATE MACRO trino_sha1(b BLOB) AS unhex(sha1(b));
CREATE MACRO trino_sha256(b BLOB) AS unhex(sha256(b));
CREATE MACRO trino_ends_with(s, e) AS ends_with(s, e);

-- URLs: the expression is that of RFC 3986, appendix B; what is missing is empty, as in Trino.
CREATE MACRO trino_url_part(u, i) AS regexp_extract(u,
    '^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?([^/?#:]*)(?::([0-9]*))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$', i);
CREATE MACRO trino_url_encode(s) AS
    replace(replace(replace(url_encode(s), '%20', '+'), '~', '%7E'), '%2A', '*');
CREATE MACRO trino_url_decode(s) AS url_decode(replace(s, '+', ' '));
CREATE MACRO trino_url_extract_protocol(u) AS trino_url_part(u, 1);
CREATE MACRO trino_url_extract_host(u) AS trino_url_part(u, 2);
CREATE MACRO trino_url_extract_port(u) AS TRY_CAST(trino_url_part(u, 3) AS BIGINT);
CREATE MACRO trino_url_extract_path(u) AS url_decode(trino_url_part(u, 4));
CREATE MACRO trino_url_extract_query(u) AS url_decode(trino_url_part(u, 5));
CREATE MACRO trino_url_extract_fragment(u) AS url_decode(trino_url_part(u, 6));
CREATE MACRO trino_url_extract_parameter(u, n) AS trino_url_decode(regexp_replace(
    list_filter(string_split(trino_url_part(u, 5), '&'), lambda p: string_split(p, '=')[1] = n)[1], '^[^=]*=?', ''));

-- Regular expressions
CREATE MACRO trino_regexp_like(s, p) AS regexp_matches(s, p);
CREATE MACRO trino_regexp_extract(s, p) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END,
    (s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END;
CREATE MACRO trino_regexp_extract_all(s, p) AS regexp_extract_all(s, p),
    (s, p, g) AS regexp_extract_all(s, p, g);
CREATE MACRO trino_regexp_replace(s, p) AS regexp_replace(s, p, '', 'g'),
    (s, p, r) AS regexp_replace(s, p, regexp_replace(replace(r, '\', '\\'), '\$(\d)', '\\\1', 'g'), 'g');
CREATE MACRO trino_regexp_split(s, p) AS string_split_regex(s, p);
CREATE MACRO trino_regexp_count(s, p) AS len(regexp_extract_all(s, p));

-- JSON
CREATE MACRO trino_json_extract_scalar(j, p) AS CASE WHEN json_valid(j) THEN
    CASE WHEN json_type(j, p) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE json_extract_string(j, p) END END;
CREATE MACRO trino_json_extract(j, p) AS CASE WHEN json_valid(j) THEN json_extract(j, p) END;
CREATE MACRO trino_json_array_length(j) AS
    CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END;
CREATE MACRO trino_json_size(j, p) AS CASE WHEN json_valid(j) THEN CASE json_type(j, p)
    WHEN 'ARRAY' THEN CAST(json_array_length(j, p) AS BIGINT)
    WHEN 'OBJECT' THEN CAST(len(json_keys(j, p)) AS BIGINT) ELSE 0 END END;
CREATE MACRO trino_json_parse(s) AS json(s);
CREATE MACRO trino_json_format(j) AS CAST(json(j) AS VARCHAR);
CREATE MACRO trino_json_to_varchar(j) AS CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY')
    THEN CAST('INVALID_CAST_ARGUMENT: Cannot cast JSON to VARCHAR' AS TINYINT)::VARCHAR
    ELSE json_extract_string(j, '$') END;

-- Dates
CREATE MACRO trino_date(x) AS CAST(x AS DATE);
CREATE MACRO trino_from_unixtime(x) AS to_timestamp(CAST(x AS DOUBLE));
CREATE MACRO trino_to_unixtime(x) AS CAST(epoch(x) AS DOUBLE);
CREATE MACRO trino_day_of_week(x) AS isodow(x);
CREATE MACRO trino_day_of_month(x) AS day(x);
CREATE MACRO trino_day_of_year(x) AS dayofyear(x);
CREATE MACRO trino_week(x) AS weekofyear(x);
CREATE MACRO trino_year_of_week(x) AS isoyear(x);
CREATE MACRO trino_last_day_of_month(x) AS last_day(x);
CREATE MACRO trino_millisecond(x) AS millisecond(x) % 1000;
CREATE MACRO trino_from_iso8601_date(s) AS CAST(strptime(s, '%Y-%m-%d') AS DATE);
CREATE MACRO trino_from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMPTZ);
CREATE MACRO trino_timestamp_text(x) AS strftime(CAST(x AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g');
CREATE MACRO trino_current_timezone() AS 'UTC';
CREATE MACRO trino_timestamptz_text(x) AS strftime(x AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%g') || ' UTC';

-- Timestamps with a zone of their own: an instant and the zone's name or offset (zones.py).
-- DuckDB puts arguments into macros as text: one that is used twice is calculated twice, and within others
-- four and eight times. So each is given to a lambda, which calculates it once; lambdas within each other have
-- different names, as an argument may name that of the macro around it.
CREATE MACRO trino_zoned(i, z) AS list_transform([{'i': CAST(i AS TIMESTAMPTZ), 'z': CAST(z AS VARCHAR)}], lambda made:
    CASE WHEN made.i IS NULL THEN NULL ELSE {'trino_instant': made.i, 'trino_zone': made.z} END)[1];
CREATE MACRO trino_zoned_instant(x) AS struct_extract(x, 'trino_instant');
CREATE MACRO trino_zoned_zone(x) AS struct_extract(x, 'trino_zone');
CREATE MACRO trino_zone_named(z) AS CASE WHEN left(z, 1) IN ('+', '-') THEN 'UTC' ELSE z END;
CREATE MACRO trino_zone_offset(z) AS to_minutes(CAST(CASE left(z, 1) WHEN '+' THEN 1 WHEN '-' THEN -1 ELSE 0 END
    * coalesce(60 * TRY_CAST(substring(z, 2, 2) AS BIGINT) + TRY_CAST(substring(z, 5, 2) AS BIGINT), 0) AS BIGINT));
CREATE MACRO trino_local_in(i, z) AS timezone(trino_zone_named(z), i) + trino_zone_offset(z);
CREATE MACRO trino_zoned_local(x) AS
    list_transform([x], lambda seen: trino_local_in(trino_zoned_instant(seen), trino_zoned_zone(seen)))[1];
-- An hour that comes twice is the first, as in Trino; DuckDB takes the second.
CREATE MACRO trino_first_of(i, t, z) AS list_transform([i], lambda late: CASE
    WHEN trino_local_in(late - INTERVAL 1 HOUR, z) = t THEN late - INTERVAL 1 HOUR
    WHEN trino_local_in(late - INTERVAL 30 MINUTE, z) = t THEN late - INTERVAL 30 MINUTE ELSE late END)[1];
CREATE MACRO trino_zoned_of(t, z) AS list_transform([{'t': CAST(t AS TIMESTAMP), 'z': CAST(z AS VARCHAR)}], lambda wall:
    trino_zoned(trino_first_of(
        timezone(trino_zone_named(wall.z), wall.t - trino_zone_offset(wall.z)), wall.t, wall.z), wall.z))[1];
CREATE MACRO trino_zoned_plus_clock(x, n) AS list_transform([{'x': x, 'n': n}], lambda term:
    trino_zoned(trino_zoned_instant(term.x) + term.n, trino_zoned_zone(term.x)))[1];
CREATE MACRO trino_zoned_plus_calendar(x, n) AS list_transform([{'x': x, 'n': n}], lambda term:
    trino_zoned_of(trino_zoned_local(term.x) + term.n, trino_zoned_zone(term.x)))[1];
CREATE MACRO trino_zoned_trunc_clock(u, x) AS list_transform([x], lambda whole: trino_zoned(trino_zoned_instant(whole)
    - (trino_zoned_local(whole) - date_trunc(u, trino_zoned_local(whole))), trino_zoned_zone(whole)))[1];
CREATE MACRO trino_zoned_trunc_calendar(u, x) AS list_transform([x], lambda whole:
    trino_zoned_of(date_trunc(u, trino_zoned_local(whole)), trino_zoned_zone(whole)))[1];
CREATE MACRO trino_zoned_minutes(x) AS list_transform([x], lambda told:
    date_diff('minute', timezone('UTC', trino_zoned_instant(told)), trino_zoned_local(told)))[1];
CREATE MACRO trino_zoned_timezone_hour(x) AS trino_zoned_minutes(x) // 60;
CREATE MACRO trino_zoned_timezone_minute(x) AS trino_zoned_minutes(x) % 60;
CREATE MACRO trino_zoned_text(x) AS list_transform([x], lambda shown:
    strftime(trino_zoned_local(shown), '%Y-%m-%d %H:%M:%S.%g') || ' ' || trino_zoned_zone(shown))[1];
CREATE MACRO trino_zoned_iso8601(x) AS list_transform([x], lambda shown:
    strftime(trino_zoned_local(shown), '%Y-%m-%dT%H:%M:%S.%g')
    || CASE WHEN trino_zoned_zone(shown) = 'UTC' THEN 'Z' ELSE printf('%s%02d:%02d',
        CASE WHEN trino_zoned_minutes(shown) < 0 THEN '-' ELSE '+' END,
        abs(trino_zoned_minutes(shown)) // 60, abs(trino_zoned_minutes(shown)) % 60) END)[1];
-- What a sum or difference is asked the type of while that of its operands is not known.
CREATE MACRO trino_plus_type(a STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR), b) AS
    CASE WHEN row(b) IS NOT NULL THEN a END,
    (a, b STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR)) AS CASE WHEN row(a) IS NOT NULL THEN b END,
    (a, b) AS a + b;
CREATE MACRO trino_minus_type(a STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR), b INTERVAL) AS
    CASE WHEN row(b) IS NOT NULL THEN a END,
    (a STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR),
        b STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR)) AS
        CASE WHEN row(a, b) IS NOT NULL THEN INTERVAL 1 DAY END,
    (a STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR), b) AS
        CASE WHEN row(a, b) IS NOT NULL THEN INTERVAL 1 DAY END,
    (a, b STRUCT(trino_instant TIMESTAMPTZ, trino_zone VARCHAR)) AS
        CASE WHEN row(a, b) IS NOT NULL THEN INTERVAL 1 DAY END,
    (a, b) AS a - b;

-- Arrays and maps
CREATE MACRO trino_array_subscript(a, i) AS a[CASE
    WHEN i = 0 THEN CAST('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1' AS TINYINT)
    WHEN i < 0 THEN CAST('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i AS TINYINT)
    WHEN i > len(a) THEN CAST('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: '
        || i || ' > ' || len(a) AS TINYINT)
    ELSE i END];
CREATE MACRO trino_array_element(a, i) AS CASE
    WHEN i = 0 THEN a[CAST('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1' AS TINYINT)] ELSE a[i] END;
CREATE MACRO trino_map_subscript(m, k) AS CASE WHEN m IS NULL OR map_contains(m, k) THEN m[k]
    ELSE map_values(m)[CAST('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || k AS TINYINT)] END;
CREATE MACRO trino_contains(a, x) AS list_contains(a, x);
CREATE MACRO trino_array_distinct(a) AS list_filter(a, lambda x, i:
    CASE WHEN x IS NULL THEN len(list_filter(a[:i - 1], lambda y: y IS NULL)) = 0
    ELSE NOT list_contains(a[:i - 1], x) END);
CREATE MACRO trino_array_sort(a) AS list_sort(a, 'ASC', 'NULLS LAST');
CREATE MACRO trino_array_join(a, d) AS array_to_string(list_transform(list_filter(a, lambda x: x IS NOT NULL),
    lambda x: CAST(x AS VARCHAR)), d),
    (a, d, n) AS array_to_string(list_transform(a, lambda x: coalesce(CAST(x AS VARCHAR), n)), d);
CREATE MACRO trino_array_max(a) AS CASE WHEN len(list_filter(a, lambda x: x IS NULL)) = 0 THEN list_max(a) END;
CREATE MACRO trino_array_min(a) AS CASE WHEN len(list_filter(a, lambda x: x IS NULL)) = 0 THEN list_min(a) END;
CREATE MACRO trino_array_position(a, x) AS CASE WHEN a IS NOT NULL AND x IS NOT NULL
    THEN CAST(coalesce(list_position(a, x), 0) AS BIGINT) END;
CREATE MACRO trino_array_remove(a, x) AS list_filter(a, lambda y: y IS DISTINCT FROM x);
CREATE MACRO trino_array_intersect(a, b) AS
    trino_array_distinct(list_filter(a, lambda x: list_contains(b, x)));
CREATE MACRO trino_array_except(a, b) AS
    trino_array_distinct(list_filter(a, lambda x: NOT list_contains(b, x)));
CREATE MACRO trino_array_union(a, b) AS trino_array_distinct(list_concat(a, b));
CREATE MACRO trino_arrays_overlap(a, b) AS list_has_any(a, b);
CREATE MACRO trino_flatten(a) AS flatten(a);
CREATE MACRO trino_slice(a, i, n) AS CASE WHEN i > 0 THEN a[i:i + n - 1]
    WHEN i = 0 THEN a[CAST('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1' AS TINYINT):]
    ELSE a[len(a) + i + 1:len(a) + i + n] END;
CREATE MACRO trino_sequence(a, b) AS
    generate_series(a, b, CAST(CASE WHEN b < a THEN -1 ELSE 1 END AS BIGINT)),
    (a, b, s) AS generate_series(a, b, s);
CREATE MACRO trino_repeat(x, n) AS list_transform(generate_series(1, n), lambda i: x);
CREATE MACRO trino_map_keys(m) AS map_keys(m);
CREATE MACRO trino_map_values(m) AS map_values(m);
CREATE MACRO trino_map_entries(m) AS map_entries(m);
CREATE MACRO trino_map_from_entries(e) AS map_from_entries(e);
CREATE MACRO trino_map_concat(a, b) AS map_concat(a, b), (a, b, c) AS map_concat(a, b, c);
CREATE MACRO trino_map_from_pairs(pairs) AS map_from_entries(list_filter(pairs, lambda p, i: p.key IS NOT NULL
    AND NOT list_contains(list_transform(pairs[:i - 1], lambda q: q.key), p.key)));
CREATE MACRO trino_multimap_from_pairs(pairs) AS map_from_entries(list_transform(
    list_filter(pairs, lambda p, i: p.key IS NOT NULL
        AND NOT list_contains(list_transform(pairs[:i - 1], lambda q: q.key), p.key)),
    lambda f: {'key': f.key, 'value': list_transform(list_filter(pairs, lambda q: q.key = f.key), lambda q: q.value)}));
-- Key, value in `a` and value in `b` of each key that either has.
CREATE MACRO trino_map_triples(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_transform(
    list_concat(map_keys(a), list_filter(map_keys(b), lambda k: NOT list_contains(map_keys(a), k))),
    lambda k: row(k, map_extract_value(a, k), map_extract_value(b, k))) END;
-- What UNNEST walks over while its type is still being asked for.
CREATE MACRO trino_unnestable(m MAP(VARCHAR, VARCHAR)) AS map_keys(m), (a) AS a;
