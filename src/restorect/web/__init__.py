"""The page in a browser: a server on this machine, its queue, the process that restores, and the files of the page."""
