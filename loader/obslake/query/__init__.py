"""SQL queries and exports."""
