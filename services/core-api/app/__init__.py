"""Wish With Me, core API."""
