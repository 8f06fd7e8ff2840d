-- One row that says what the reviews of this run are like.
SELECT
    count(*) AS row_count,
    count(*) - count(DISTINCT review_id) AS repeated_ids,
    count_if(review_id IS NULL) AS null_ids,
    count_if(review_body IS NULL OR trim(review_body) = '') AS empty_bodies,
    count_if(product_category IS NULL OR trim(product_category) = '') AS empty_categories,
    count_if(sentiment IS NULL OR sentiment NOT IN (-1, 0, 1)) AS unknown_sentiments,
    count_if(sentiment = -1) AS negative_rows,
    count_if(sentiment = 0) AS neutral_rows,
    count_if(sentiment = 1) AS positive_rows,
    count(DISTINCT product_category) AS categories,
    1.0 - CAST(count(DISTINCT review_body) AS double) / count(*) AS repeated_body_share,
    min(length(review_body)) AS shortest_body,
    max(length(review_body)) AS longest_body,
    avg(CAST(length(review_body) AS double)) AS mean_body_length,
    max(dt) AS newest_day,
    date_diff('day', date(max(dt)), date('$until')) AS days_since_newest
FROM $table
WHERE dt IN ($partitions)
  AND concat(dt, '.', substr(source_sha256, 1, 16)) IN ($sources)
