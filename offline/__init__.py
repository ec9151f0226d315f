"""Media files and sessions in, tables, annotations and pictures out. No sockets."""
