"""Where a user is logged in: a page that shows it, and ends what does not belong there."""
