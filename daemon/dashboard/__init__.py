"""The local page: its link and cookie, its numbers, its files."""
