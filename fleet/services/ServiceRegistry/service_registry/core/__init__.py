"""The registry itself: pure, on a clock that is handed in. Knows neither HTTP nor files."""
