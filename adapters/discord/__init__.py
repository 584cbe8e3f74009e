"""Discord: slash commands, buttons and windows in; messages by whatever route reaches the chat."""
