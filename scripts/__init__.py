"""Commands of the project that users do not need: ``python -m scripts.<name>``."""
