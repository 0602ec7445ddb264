"""SEAM: replaced by the providers table at merge.

The one thing to know: rows only.
"""

from __future__ import annotations

from typing import Optional


def recipients_limit(host: str) -> Optional[int]:
    return 50 if host.lower().startswith("email-smtp") and "amazonaws" in host.lower() else None
