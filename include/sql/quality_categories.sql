-- One row a product category.
SELECT
    product_category,
    count(*) AS row_count,
    count_if(sentiment = 1) AS positive_rows
FROM $table
WHERE dt IN ($partitions)
  AND concat(dt, '.', substr(source_sha256, 1, 16)) IN ($sources)
GROUP BY product_category
ORDER BY row_count DESC, product_category
