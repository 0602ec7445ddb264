"""The AUTH chain of a host, as values: read it, prove it, plan it.

The one thing to know: nothing here touches the world.  A host is a set of files already read, and
a plan is the new contents of files in the order in which they may be written.
"""
