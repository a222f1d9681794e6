"""From a workbook to a compiled checklist: one JSON document that phone, server and desk share.

Read it in this order: `compile` (the whole way), `workbook` (cells of a file), `spelling` (names as authors write them),
`sheet_checks` (what can be said of a row alone), `xlsform` (what pyxform says), `texts`, `lists`, `own_columns`,
`xpath` → `expressions` (conditions), `dependence` (circles and order); `problems` is how all of it is refused.
"""
