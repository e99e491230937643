"""What happens where things go wrong, or happen at once."""
