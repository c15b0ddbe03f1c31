"""The pure core of Stator: values, requests, expressions, formats and state machines.

Imported by the data plane (`stator_node`) and by the operator. Nothing here reads a clock, draws a
random number, opens a file or awaits: whatever the core needs arrives as an argument, and what it
decides leaves as a value. import-linter proves it.
"""
