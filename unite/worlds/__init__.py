"""What the product proves itself on: worlds whose data is made or fetched by code, one folder each."""
