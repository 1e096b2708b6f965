"""The local page: its link and cookie, its numbers, its files. It changes nothing and loads nothing from elsewhere."""
