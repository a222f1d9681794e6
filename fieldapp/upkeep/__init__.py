"""What keeps an installation alive: bringing it up to date, backup, restore, and the doctor who looks at all of it."""
