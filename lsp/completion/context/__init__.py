"""What stands around the cursor and in other files, as a prompt of limited length.

Files that daemon/privacy keeps back never enter it.
"""
