"""A pretend gateway: what `atelier try` and the tests talk to instead of a paid one.

Owns a strict, hostile but correct stand-in for every upstream family. It imports nothing else of
Atelier: a fake that shared code with the client would share its mistakes.
"""

from bot.sandbox.app import FAKES, Sandbox
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.journal import Seen
from bot.sandbox.magic import MAGIC

__all__ = ["FAKES", "MAGIC", "Fault", "Faults", "Sandbox", "Seen"]
