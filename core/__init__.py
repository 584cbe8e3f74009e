"""Everything that is true on every chat platform: commands, jobs, money, buttons, providers.

Knows no chat platform and no web framework; `tests/test_architecture.py` holds it to that.
"""
