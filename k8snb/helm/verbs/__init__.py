"""helm's commands, a module for each or for a few that belong together; `table.py` lists them all."""
