"""Whatever a client sends, the server answers in the API's own words, and what is refused changes nothing."""
