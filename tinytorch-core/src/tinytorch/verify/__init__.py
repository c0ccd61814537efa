"""Transparency proved: whether plugins change anything but time and memory, on this machine, with what is installed.

Each page tries one kind of thing and gives rows; `report` is what they add up to, `rendering` how it is read.
Read in this order: report, finding, selections, functions, ops, trainings, journeys, memory, children, health, timing,
speed, modules, run, rendering.
"""
