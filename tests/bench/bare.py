"""What the command path is measured against: handlers that do nothing but POST to the gateway.

Each is the shortest program its library's own documentation would give: python-telegram-bot's
Application with a CommandHandler, discord.py's CommandTree with one command that defers its answer,
as Discord's three seconds ask for. Nothing is stored, nothing is watched, nothing is shown.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp

from tests.bench.kit import DISCORD_TOKEN, TELEGRAM_TOKEN


async def _post(session: aiohttp.ClientSession, gateway: str, prompt: str) -> None:
    url = f"{gateway}/mj/submit/imagine"
    headers = {"Authorization": "Bearer bench"}
    body = {"prompt": prompt, "base64Array": []}
    async with session.post(url, json=body, headers=headers) as answer:
        await answer.json()


async def telegram(root: str, gateway: str) -> None:
    """A bare python-telegram-bot program."""
    from telegram.ext import Application, CommandHandler

    async with aiohttp.ClientSession() as session:

        async def imagine(update: Any, context: Any) -> None:
            await _post(session, gateway, " ".join(context.args))

        app = Application.builder().token(TELEGRAM_TOKEN).base_url(f"{root}/bot").build()
        app.add_handler(CommandHandler("imagine", imagine))
        async with app:
            await app.start()
            assert app.updater is not None
            await app.updater.start_polling()
            print("ready", flush=True)
            await asyncio.Event().wait()


async def discord(root: str, gateway: str) -> None:
    """A bare discord.py program."""
    import discord as library
    import yarl
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

    Route.BASE = f"{root}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"{root.replace('http', 'ws')}/ws")
    async with aiohttp.ClientSession() as session:
        client = library.Client(intents=library.Intents.none())
        tree = library.app_commands.CommandTree(client)

        @tree.command()
        async def imagine(interaction: library.Interaction[Any], prompt: str) -> None:
            """Make a picture."""
            await interaction.response.defer()
            await _post(session, gateway, prompt)

        @client.event
        async def on_ready() -> None:
            await tree.sync()
            print("ready", flush=True)

        await client.start(DISCORD_TOKEN)


if __name__ == "__main__":
    asyncio.run({"telegram": telegram, "discord": discord}[sys.argv[1]](*sys.argv[2:]))
