"""Wish With Me, item resolver."""
