-- The reviews of this run, for their profile: what is reviewed, how long, in which words, with which sentiment.
SELECT
    review_body,
    product_category,
    sentiment
FROM $table
WHERE dt IN ($partitions)
  AND concat(dt, '.', substr(source_sha256, 1, 16)) IN ($sources)
