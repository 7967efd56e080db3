"""The language Courier reads: settings as typed tables, files as formats, and the manifest of a compiled tree."""
