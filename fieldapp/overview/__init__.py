"""The overview: what needs somebody now, where it lies, and how it goes."""
