"""A kiosk that is a page in a real browser, with a thin host process that serves what a page cannot serve itself."""
