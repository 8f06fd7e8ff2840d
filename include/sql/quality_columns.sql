-- One row, for the names of its columns: is the table what the later steps expect?
SELECT *
FROM $table
WHERE dt IN ($partitions)
  AND source_sha256 IN ($sources)
LIMIT 1
