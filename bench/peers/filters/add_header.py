"""The filter of the workload filter-python: reads one header and adds one to the request."""

from flatproxy import Exchange, Filter, Options


class AddHeaderOptions(Options):
    """What differs where there are several."""

    name: str
    """The header that is added."""


class AddHeader(Filter):
    """Says in a header of its own what another says."""

    name = "bench.add_header"
    Options = AddHeaderOptions
    options: AddHeaderOptions

    def on_request(self, exchange: Exchange) -> None:
        """One get, one add."""
        headers = exchange.request.headers
        headers.add(self.options.name, headers.get("x-tenant", "none"))
