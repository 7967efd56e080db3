"""From a site description to the files of a Courier mail server: read, resolve, check, build, write."""
