"""The crash table: the real program, killed at every commit point and started again."""
