# Every target calls one script; what it does is written there.

.PHONY: setup run test check conformance fuzz bench pin clean

setup: ## Prepare .venv with pointsman in it and fetch the embedded model; starts nothing
	@scripts/setup

run: ## Set up, then serve; ARGS="--port 4000" is passed on
	@scripts/run $(ARGS)

test: ## Set up what the tests need, run every check and every test; ARGS go to pytest
	@scripts/test $(ARGS)

check: ## Lint, format, types, import order, sizes
	@scripts/check

conformance: ## Run the public conformance suites; SUITE=DIR adds Open Responses from a copy of its repository
	@SUITE="$(SUITE)" scripts/conformance $(ARGS)

fuzz: ## Fuzz every reader of foreign bytes for a while; ARGS="--seconds 60 wire.json" chooses
	@scripts/fuzz $(ARGS)

bench: ## Measure; the table goes to docs/benchmark.md
	@scripts/bench $(ARGS)

pin: ## Resolve the dependencies anew and write locks/
	@scripts/pin

clean: ## Remove everything that the other targets made
	@scripts/clean
