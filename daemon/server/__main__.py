"""The daemon as a program of its own: `python -m halfwatt.daemon.server`."""

from halfwatt.daemon.server.run import main

if __name__ == "__main__":
    main()
