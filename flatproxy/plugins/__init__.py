"""The built-in filters, each written as a stranger would ship it: on `flatproxy` and `flatproxy.api` alone.

Nobody imports them: the registry finds them by the entry points in pyproject.toml, each under the name of its filter.
"""
