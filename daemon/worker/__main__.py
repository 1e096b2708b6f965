"""The worker as a program of its own, started by the daemon: `python -m halfwatt.daemon.worker`."""

from halfwatt.daemon.worker.run import main

if __name__ == "__main__":
    main()
