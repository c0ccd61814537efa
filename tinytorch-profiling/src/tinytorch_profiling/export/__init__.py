"""Exports: a recording as files and figures to look at, each a function of the recording."""
