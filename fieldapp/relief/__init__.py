"""Temporary relief: asked for where the emergency is, decided by tiers, paid from public money or the reserve fund."""
