"""What several artefact modules share: how aliases, access tables, routes, passwords and tables of rows are spelt."""
