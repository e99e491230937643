"""What runs in the process of a suite, found there by ``PYTHONPATH``: standard library and pytest only."""
