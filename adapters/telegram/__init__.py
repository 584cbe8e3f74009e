"""Telegram: updates in through our own durable loop, messages out through python-telegram-bot's Bot."""
