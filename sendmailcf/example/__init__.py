"""A small but complete /etc/mail of our own writing, which `sendmailcf demo` works on.

The one thing to know: the real sendmail accepts it and delivers with it; the test suite sees to that.
"""
