"""Run the command line as ``python -m obslake``."""

from obslake.cli import main

if __name__ == "__main__":
    main()
