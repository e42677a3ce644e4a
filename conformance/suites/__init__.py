"""Test procedures, a module an area. They drive and wait; what holds or is broken is said by the rules of the pack.

A procedure speaks of roles and canonical fields only, so that it serves every pack that binds them.
"""
