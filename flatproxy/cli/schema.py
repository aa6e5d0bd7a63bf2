"""`flatproxy schema`: what an editor needs to help with the configuration."""

from __future__ import annotations

import json

EXAMPLE = "flatproxy schema > flatproxy.schema.json"


def schema() -> None:
    """Print the JSON schema of the configuration, for editors.

    With `# yaml-language-server: $schema=flatproxy.schema.json` as its first line, a file is completed and checked
    while you type.
    """
    from flatproxy.config.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
