"""What must stay small or fast, measured on the real thing."""
