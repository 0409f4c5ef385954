"""What services answer and messages render."""
