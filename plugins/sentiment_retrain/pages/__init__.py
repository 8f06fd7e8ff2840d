"""Pages in Airflow's UI: the card of a run, the timeline of all runs, and the reviews.

Behind Airflow's own login and permissions; made from what runs left in the bucket, so that a view starts no
query and draws nothing.
"""
