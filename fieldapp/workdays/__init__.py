"""Which days people work: weekends, holidays and the days worked for them (调休)."""
