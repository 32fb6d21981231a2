"""The law: examples from its text as tables, then properties of every clock."""
