"""Load: Locust users, shapes and limits from the pack will live here; nothing of it is built yet.

They will speak through `conformance.protocol`, never a dialect of their own, and run in processes of their own.
"""
