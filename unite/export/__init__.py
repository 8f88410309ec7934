"""A trained encoder leaves: one folder that transformers, sentence-transformers and mteb load, with a card that says what it is."""
