"""One module per kind of file on a mail host; each has an ARTEFACT and is found by its name."""
