"""What starts functions by itself: schedules, webhooks, and what happens to connections."""
