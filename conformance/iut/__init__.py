"""Drivers to the implementation under test: how it is started, and how it is made to do things (I6)."""
