"""What a million, a hundred million and a billion sessions need: measured costs, and days that are simulated."""
