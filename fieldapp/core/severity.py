"""The severities of flags and tasks (预警 红/橙/黄), worst first.

Invariant: a person's risk (高/中/低) is another scale and never mixed with this one.
"""

SEVERITIES = ("red", "orange", "yellow")
