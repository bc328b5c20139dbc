"""Requests made from the server's own OpenAPI documents, nearly right: each gets an answer."""
