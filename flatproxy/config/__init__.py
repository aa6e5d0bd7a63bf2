"""The operator's file: YAML -> frozen models, or every problem at once with file, line and column.

Read in this order: `load` (the steps), `compose` and `nodes` (YAML with places), `models` (the shapes), `wording`
(validation errors in plain words), `checks/` (what keys say about each other), `credentials` (files on disk).
"""

from flatproxy.config.errors import ConfigErrors, Place, Problem
from flatproxy.config.load import load
from flatproxy.config.models import Config

__all__ = ["Config", "ConfigErrors", "Place", "Problem", "load"]
