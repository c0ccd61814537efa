"""Transparency proved: whether plugins change anything but time and memory, on this machine, with what is installed.

Each page tries one kind of thing and gives rows; `report` is what they add up to, `rendering` how it is read.
Read in this order: report, functions, ops, journeys, health, speed, modules, run, rendering.
"""
