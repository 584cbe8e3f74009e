"""Chat platforms, one package each: they see the front of core and nothing of each other."""
