"""The online strategy ``mean-teacher``."""
