"""The contract with the authors of filters. Imports nothing of FlatProxy, and works without the native core."""
