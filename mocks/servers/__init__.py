"""Real servers over TLS: thin shells that record bytes first and hand them to the city."""
