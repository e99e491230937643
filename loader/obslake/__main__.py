"""Run the command line as ``python -m obslake``."""

from obslake.cli.app import main

if __name__ == "__main__":
    main()
