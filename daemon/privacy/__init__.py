"""What must not leave the machine: secrets in a text, and excluded files. It decides no route."""
