# The targets that the documents name; each is a job of `cargo xtask`.
.PHONY: test lint test-e2e

test:
	cargo test --workspace

lint:
	cargo xtask lint

# By test/e2e/config/e2e.toml, a copy of example.toml beside it.
test-e2e:
	cargo xtask e2e
