"""The contract with the authors of filters. Imports nothing of FlatProxy, and works without the native core.

`filter` is what is derived from, `verdict` what a phase answers with, `exchange` and `host` what it may look at,
`hookspecs` what a package may register. All of it is imported from `flatproxy` itself.
"""
