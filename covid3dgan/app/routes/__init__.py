"""The addresses that the page asks: adding CTs, a case, what is kept of it."""
