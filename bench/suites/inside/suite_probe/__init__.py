"""Code that runs in the process of a suite, found by ``PYTHONPATH``: standard library and pytest only."""
