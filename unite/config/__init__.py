"""The config: dataclasses are its schema (no torch here), `register` puts them where Hydra finds them, `validate` composes everything."""
