"""Clusters that really run: what views need to know of them, read through the official Python client."""
