-- One row, for the names of its columns: is the table what the later steps expect?
SELECT *
FROM $table
WHERE dt IN ($partitions)
  AND concat(dt, '.', substr(source_sha256, 1, 16)) IN ($sources)
LIMIT 1
