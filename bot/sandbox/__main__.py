"""Runs the sandbox by itself: `python -m bot.sandbox --port 0 --dialect stock --pace 1.0`.

Owns the command line. Prints `listening on <address>` once it serves; SIGTERM or SIGINT stop it.
"""

import argparse
import asyncio
import contextlib
import signal

from bot.sandbox.app import Sandbox


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="A pretend gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--dialect", choices=("stock", "raw"), default="stock")
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies every duration")
    parser.add_argument("--fetch-lag", type=float, default=0.0, help="seconds, before the pace")
    parser.add_argument("--key", action="append", help="accepted key; may be repeated")
    parser.add_argument("--image-size", type=int, default=1024, help="pixels")
    parser.add_argument("--balance", type=float, default=100_000.0, help="USD")
    parser.add_argument("--no-change", action="store_true", help="/mj/submit/change is missing")
    parser.add_argument("--no-list", action="store_true", help="list-by-condition is missing")
    parser.add_argument("--no-modal", action="store_true", help="/mj/submit/modal is missing")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


async def _serve(args: argparse.Namespace) -> None:
    sandbox = Sandbox(
        dialect=args.dialect,
        pace=args.pace,
        fetch_lag=args.fetch_lag,
        keys=args.key or ("sandbox",),
        has_change=not args.no_change,
        has_list=not args.no_list,
        has_modal=not args.no_modal,
        image_size=args.image_size,
        balance=args.balance,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"listening on {await sandbox.start(args.host, args.port)}", flush=True)
    await stop.wait()
    await sandbox.stop()


if __name__ == "__main__":
    main()
