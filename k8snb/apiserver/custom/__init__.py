"""Custom resources on the side of the server: what definitions add to the table of kinds, and how it is shown."""
