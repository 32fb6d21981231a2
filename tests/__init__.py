"""The tests: one folder for each room, and a few files that guard the whole."""
