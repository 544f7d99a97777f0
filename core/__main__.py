"""The command line as a module: `python -m core`."""

from core.cli import main

main()
