"""What many threads cost each other, counted."""
