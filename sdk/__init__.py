"""What authors of filters begin from, in each language, and the exchanges that all kinds of filters must pass."""
