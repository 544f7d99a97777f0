"""A lab moved as a whole: from SQLite to a database server, into a backup and out of it again."""
