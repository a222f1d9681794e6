"""What is counted for reports, by grid and week, beside the records it counts."""
