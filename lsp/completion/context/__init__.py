"""What stands around the cursor and in other files, as a prompt of limited length."""
