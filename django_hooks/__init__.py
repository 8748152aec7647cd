"""The site's side: whoever is logged in to Django has a session for the wiki, and nobody else has."""
