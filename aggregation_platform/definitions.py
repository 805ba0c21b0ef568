"""Dagster's front door; nothing else."""

from aggregation_platform.config.load import load_config
from aggregation_platform.defs.build import build_definitions

# Secrets may be missing here: the graph loads without them, and only what needs one fails.
defs = build_definitions(load_config(None, require_variables=False))
