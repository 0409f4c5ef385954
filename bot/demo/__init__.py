"""The same bot with everything outside it brought along."""
