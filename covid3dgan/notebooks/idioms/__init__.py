"""What today's libraries and this machine lack, put back for a notebook in its kernel."""
