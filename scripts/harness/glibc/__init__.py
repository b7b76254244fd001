"""What glibc's own malloc answers, release by release, and what tinyalloc answers in its place."""
