"""What AWS is asked, and how its answers are read."""
