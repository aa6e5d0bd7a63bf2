"""Filters in Python, from the name in a configuration to an instance that serves, and back.

`found` is a class and where it came from, `files` loads it from a file (the registry beside this folder: from a package),
`placing` makes the instances of a plan, `life` opens and closes them, `host` and `metrics` are what they use of us,
`journal` writes what they log, `waiting` runs what has to wait.
"""
