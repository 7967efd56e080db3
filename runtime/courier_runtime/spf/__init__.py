"""Sender Policy Framework (RFC 7208): who a domain says may send in its name. Asks the DNS, knows no sessions."""
