"""Tables of what sendmail knows: options, macros, maps, mailers, queues, rulesets and the words of its lists.

The one thing to know: these are rows of facts without logic.  The reference pages are made of them, and code that needs
one of these facts reads it here.
"""
