"""HTTP in; JSON and HTML out. No rules, no SQL. One file per noun."""
