from halfwatt.daemon.server.run import main

main()
