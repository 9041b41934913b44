"""The process that builds: ``protocol`` is what it is asked, by ``worker_client``; ``worker_main`` is its program."""
