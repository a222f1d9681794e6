"""The weekly report, made from what is counted, confirmed by county and city, and corrected by number."""
