"""From finished files to a mail host: all or nothing, with generations to return to and daemons told what changed."""
