from halfwatt.daemon.worker.run import main

main()
