"""Structured pruning: channels, neurons and heads taken out of any model, by what its own calls depend on."""

from tinytorch_compress.structured.groups import Dependencies, Group, dependencies
from tinytorch_compress.structured.pruning import prune_structured, restructure, transform

__all__ = ["Dependencies", "Group", "dependencies", "prune_structured", "restructure", "transform"]
