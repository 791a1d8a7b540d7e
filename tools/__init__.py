"""What keeps the repository in order; nothing here is needed to run the scripts."""
