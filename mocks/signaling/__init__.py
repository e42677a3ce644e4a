"""Signaling hub and clerk seats: one on paper for memory, one with real media in a process of its own."""
