"""`python -m noref.cli` is `noref`."""

from noref.cli.app import main

main()
