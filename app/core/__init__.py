"""The law: calendars, clocks, limits, verdicts. Pure: standard library only, no I/O, no clock."""
