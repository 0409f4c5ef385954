"""Use cases, a verb each: the only code that acts."""
