"""Whether a revision may pass: what it changed in behaviour, and which of that counts."""
