"""Values of the command line that are checked before anything is measured."""

import argparse
from pathlib import Path


def existing_folder(text: str) -> Path:
    """Read the path of a folder that exists."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path


def new_file(text: str) -> Path:
    """Read the path of a file that can be written in the end: its folder exists."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"not a file in a folder that exists: {text}")
    return path


def count(text: str) -> int:
    """Read how many there are: a whole number from 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"not a whole number from 1: {text}")
    return int(text)
