"""The clerk's media peer: a process of its own (`__main__`) and the bench's handle on it (`proxy.ClerkProcess`)."""
