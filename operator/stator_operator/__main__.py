"""`stator-operator` and `python -m stator_operator`: from the command line to the wiring."""

from __future__ import annotations

import logging
import os
import sys

from stator_operator.operator_process import run
from stator_operator.operator_settings import parse


def main() -> None:
    """Run the operator; exits with its code."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # What kopf does is what `watches.py` has it do: its own account of it is for debugging.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    sys.exit(run(parse(sys.argv[1:], os.environ)))


if __name__ == "__main__":
    main()
