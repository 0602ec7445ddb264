"""What sendmail knows, as rows: options, and the rest as it is needed.

The one thing to know: tables hold no logic.  Typed access reads the same rows as the documentation.
"""
