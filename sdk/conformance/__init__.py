"""Golden exchanges: what a filter is asked and what comes of it, the same for every kind of filter.

Read `README.md` for the format and the filters, then `golden` (the format as models), `kind` (what runs an exchange),
`compare` (what is different), `runner` (all of them). Knows no kind by itself; `python` is the first.
"""
