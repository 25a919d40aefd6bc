"""What can be asked of the server, a module for each subject."""
