"""What leaves the program as a file for other programs: graphs, tables, reports. No Qt."""
