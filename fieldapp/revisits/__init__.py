"""Visits looked at again by somebody else: drawn by lot or asked for, and what differs."""
