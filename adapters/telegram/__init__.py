"""Telegram: updates in through a durable loop, messages out through python-telegram-bot's Bot."""
