"""Failures told to people by mail and webhook: one alert for one cause, and word when it works again."""
