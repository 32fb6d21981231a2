"""Documents on paper: workbooks, CSV and tables in a terminal; no database and no clock.

What is printed has been translated before; the few words of the printers' own come by `say`.
"""
