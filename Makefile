# The targets that the documents name; each is a job of `cargo xtask`.
.PHONY: test lint test-e2e

test:
	cargo test --workspace

lint:
	cargo xtask lint

test-e2e:
	cargo xtask kafka test
