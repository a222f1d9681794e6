"""Lists of payments that a finance bureau or a bank hands over: who was paid what, matched with who is on the list here."""
