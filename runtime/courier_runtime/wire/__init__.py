"""How the processes of a server speak to each other."""
