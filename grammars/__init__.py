"""The grammars of sendmailcf, shipped as `sendmailcf.grammars`: one `.lark` file for each language.

The one thing to know: rules carry the names of the node classes they build, and no text may
vanish, so there is no %ignore and every token is kept.
"""
