"""What `manage.py` can do for the wiki's sessions."""
