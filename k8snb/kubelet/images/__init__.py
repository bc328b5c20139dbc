"""Simulated images: small Python programs under the names of real ones.

`table` lists them. A `program` listens, answers, writes logs, reads its environment and `filesystem`, and ends;
images with a shell run scripts in it (`shell`, `commands`, `script`).
"""
