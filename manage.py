#!/usr/bin/env python
"""Runs management commands; see marketplace/commands.py for what they share."""

import os
import sys

from marketplace.commands import run

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    sys.exit(run(sys.argv))
