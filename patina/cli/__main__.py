"""`python -m patina.cli`."""

from patina.cli import main

main()
