"""What every checker raises when a promise of the system is broken.

The checkers (`*_checker.py` beside this file) are observers: they take events as plain dicts, from
the simulator or from the logs of real processes, and know nothing of the code that made them.
"""

from __future__ import annotations


class PromiseBroken(AssertionError):
    """The system did what it says it never does; the text is the evidence."""
