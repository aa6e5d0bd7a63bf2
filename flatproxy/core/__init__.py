"""The proxy as Python sees it: registry, plan, identity, and the two processes that serve."""
