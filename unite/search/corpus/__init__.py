"""From files and tables to a stored corpus: a row a content, with its vector. `stored` is the layout, written and read."""
